package realdocker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

func TestDaemonEndsAnOlderPipelineOfABranch(t *testing.T) {
	w := newWatch(t, watched(images.Busybox(t), `'test -f quick || sleep 60'`))
	w.sh("git checkout -q -b topic")
	w.push("refs/heads/topic")
	w.await("running")
	w.waitFor("a container", func() bool { return len(w.ours()) > 0 })
	w.sh("touch quick; git add .; git commit -qm quick")
	w.push("refs/heads/topic")
	w.await("canceled", "success")
	if shown := w.must(0, "show", "1", "--json"); !strings.Contains(shown, "superseded by #2") {
		t.Errorf("show says:\n%s", shown)
	}
	// The default branch keeps all its pipelines.
	w.sh("git checkout -q main; sed -i s/60/2/ .popsicle/ci.yml; git commit -qam slow")
	w.push("refs/heads/main")
	w.await("canceled", "success", "running")
	w.sh("touch quick; git add .; git commit -qm quick")
	w.push("refs/heads/main")
	w.await("canceled", "success", "success", "success")
}

func TestDaemonOfAFailingJobAndASkippedCommit(t *testing.T) {
	w := newWatch(t, watched(images.Busybox(t), `'echo broken; exit 3'`))
	w.push("refs/heads/main")
	w.await("failed")
	if log := w.must(0, "logs", "1"); !strings.Contains(log, "broken") {
		t.Errorf("the log:\n%s", log)
	}
	w.sh("git commit -q --allow-empty -m 'words [skip ci]'")
	commit := w.sh("git rev-parse HEAD")
	body, _ := json.Marshal(map[string]any{
		"ref": "refs/heads/main", "after": commit, "head_commit": map[string]any{"id": commit, "message": "words [skip ci]"},
		"repository": map[string]any{"id": 1, "full_name": "acme/app", "default_branch": "main"},
	})
	if status, text := w.post("push", string(body)); status != http.StatusOK || !strings.Contains(text, "ignored") || !strings.Contains(text, "skip ci") {
		t.Errorf("%d %s", status, text)
	}
	w.await("failed")
}

func TestDaemonReadsItsListAnewAndPolls(t *testing.T) {
	w := newWatch(t, watched(images.Busybox(t), "true"))
	w.must(0, "daemon", "repo", "add", "acme/other", "--url", "https://127.0.0.1:1/x")
	body := `{"ref":"refs/heads/main","deleted":true,"after":"0000000000000000000000000000000000000000","repository":{"id":2,"full_name":"acme/other","default_branch":"main"}}`
	if status, text := w.post("push", body); status != http.StatusForbidden || !strings.Contains(text, "popsicle daemon repo add acme/other") {
		t.Errorf("before SIGHUP: %d %s", status, text)
	}
	_ = w.daemon.Process.Signal(syscall.SIGHUP)
	tries := 0
	w.waitFor("the new list", func() bool {
		tries++
		status, _ := w.post("push", strings.Replace(body, `"deleted"`, fmt.Sprintf(`"try":%d,"deleted"`, tries), 1))
		return status == http.StatusOK
	})
	w.must(0, "daemon", "repo", "rm", "acme/other")
	w.end(syscall.SIGTERM)
	w.start("--poll", "1s")
	w.sh("git commit -q --allow-empty -m found")
	w.waitFor("a pipeline that was polled", func() bool {
		if len(w.statuses()) == 0 { // the first look only remembers
			w.sh("git commit -q --allow-empty -m found")
		}
		return len(w.statuses()) > 0 && w.statuses()[0] == "success"
	})
	if shown := w.must(0, "show", "1", "--json"); !strings.Contains(shown, `"poll"`) {
		t.Errorf("show says:\n%s", shown)
	}
}

func TestDaemonWithoutSignatures(t *testing.T) {
	w := newWatch(t, watched(images.Busybox(t), "true"))
	unsigned := func(header string) int {
		r, _ := http.NewRequest(http.MethodPost, w.url+"/webhook", strings.NewReader(`{"zen":"z"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-GitHub-Event", "ping")
		r.Header.Set("X-GitHub-Delivery", "00000000-0000-0000-0000-000000000099")
		if header != "" {
			r.Header.Set(header, "10.0.0.1")
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		return answer.StatusCode
	}
	if status := unsigned(""); status != http.StatusUnauthorized {
		t.Errorf("without --unsigned: %d", status)
	}
	w.end(syscall.SIGTERM)
	w.start("--unsigned")
	if status := unsigned(""); status != http.StatusOK {
		t.Errorf("with --unsigned: %d", status)
	}
	if status := unsigned("X-Forwarded-For"); status != http.StatusUnauthorized {
		t.Errorf("through a proxy: %d", status)
	}
}
