package realdocker

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// A watch is a place whose checkout a git server serves, and a daemon that
// works for it.
type watch struct {
	place
	daemon *exec.Cmd
	log    *lockedBuffer
	url    string // of the daemon
	sent   int
}

const hookSecret = "s3cret"

func newWatch(t *testing.T, files map[string]string) *watch {
	t.Helper()
	w := &watch{place: newPlace(t, files)}
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	forge := httptest.NewServer(&cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"), Root: "/acme/app",
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Join(w.dir, ".git"), "GIT_HTTP_EXPORT_ALL=1"},
	})
	t.Cleanup(forge.Close)
	w.sh("git remote add origin " + forge.URL + "/acme/app")
	w.must(0, "daemon", "repo", "add", "acme/app", "--url", forge.URL+"/acme/app")
	w.start()
	t.Cleanup(func() { w.end(syscall.SIGTERM) })
	return w
}

var listens = regexp.MustCompile(`address=(127\.0\.0\.1:\d+)`)

func (w *watch) start(flags ...string) {
	w.t.Helper()
	w.daemon, w.log = w.command(append([]string{"daemon", "--listen", "127.0.0.1:0", "--grace", "1s"}, flags...)...), &lockedBuffer{}
	w.daemon.Env = append(w.daemon.Env, "POPSICLE_WEBHOOK_SECRET="+hookSecret)
	w.daemon.Stderr = w.log
	if err := w.daemon.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.waitFor("the daemon", func() bool { return listens.MatchString(w.log.String()) })
	w.url = "http://" + listens.FindStringSubmatch(w.log.String())[1]
}

func (w *watch) end(signal os.Signal) {
	_ = w.daemon.Process.Signal(signal)
	_ = w.daemon.Wait()
}

// git runs a script in the checkout and returns what it printed.
func (w *watch) sh(script string) string {
	w.t.Helper()
	c := exec.Command("sh", "-ec", script)
	c.Dir = w.dir
	c.Env = append(os.Environ(), "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@b.c", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@b.c")
	out, err := c.CombinedOutput()
	if err != nil {
		w.t.Fatalf("%s: %v %s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

// post sends a delivery as GitHub does, and returns its status and answer.
func (w *watch) post(event, body string) (int, string) {
	w.t.Helper()
	w.sent++
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(body))
	r, _ := http.NewRequest(http.MethodPost, w.url+"/webhook", bytes.NewReader([]byte(body)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", fmt.Sprintf("00000000-0000-0000-0000-%012d", w.sent))
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

func (w *watch) push(ref string) string {
	w.t.Helper()
	commit := w.sh("git rev-parse " + ref + "^{commit}")
	body, _ := json.Marshal(map[string]any{
		"ref": ref, "after": commit, "head_commit": map[string]any{"id": commit, "message": "m"},
		"repository": map[string]any{"id": 1, "full_name": "acme/app", "default_branch": "main"},
	})
	if status, text := w.post("push", string(body)); status != 202 {
		w.t.Fatalf("push of %s: %d %s", ref, status, text)
	}
	return commit
}

func (w *watch) await(want ...string) {
	w.t.Helper()
	defer func() {
		if w.t.Failed() {
			w.t.Logf("%v\n%s", w.statuses(), w.log)
		}
	}()
	w.waitFor(fmt.Sprint(want), func() bool { return slices.Equal(w.statuses(), want) })
}

func watched(image, command string) map[string]string {
	return map[string]string{".popsicle/ci.yml": "version: 2.1\njobs:\n  build:\n    docker: [{image: " + image + "}]\n    steps:\n      - checkout\n      - run: " +
		command + "\nworkflows:\n  main:\n    jobs:\n      - build: {filters: {tags: {only: /.*/}}}\n"}
}

func TestDaemon(t *testing.T) {
	w := newWatch(t, watched(images.Busybox(t), `'cat file 2>/dev/null || true; echo "$CIRCLE_BRANCH|$CIRCLE_TAG|$CIRCLE_SHA1"'`))
	first := w.push("refs/heads/main")
	w.await("success")
	if log := w.must(0, "logs", "1"); !strings.Contains(log, "main||"+first) {
		t.Errorf("the log of the push:\n%s", log)
	}
	w.sh("git tag -am v1 v1; echo forced > file; git add .; git commit -q --amend -m forced")
	w.push("refs/tags/v1")
	w.push("refs/heads/main")
	w.await("success", "success", "success")
	if log := w.must(0, "logs", "2"); !strings.Contains(log, "|v1|"+first) {
		t.Errorf("the log of the tag:\n%s", log)
	}
	if log := w.must(0, "logs", "3"); !strings.Contains(log, "forced") {
		t.Errorf("the log of the forced push:\n%s", log)
	}
	w.sh("printf 'version: 2.1\\njobs: 3\\n' > .popsicle/ci.yml; git commit -qam broken")
	w.push("refs/heads/main")
	w.await("success", "success", "success", "failed")
}

// TestForkWaitsForApproval has names of a stranger that a shell would run, if
// they were no variables.
func TestForkWaitsForApproval(t *testing.T) {
	t.Setenv("POPSICLE_SECRETS", "file")
	w, api := newTelling(t, watched(images.Busybox(t), `'echo "$CIRCLE_BRANCH|$CIRCLE_PR_NUMBER|$CIRCLE_PR_USERNAME|${#TOKEN} letters"'`))
	set := w.command("env", "set", "TOKEN")
	set.Stdin = strings.NewReader("hunter2hunter2")
	if out, err := set.CombinedOutput(); err != nil {
		t.Fatalf("env set: %v %s", err, out)
	}
	head := w.sh("git checkout -q --detach; echo x > x; git add .; git commit -qm x; git update-ref refs/pull/7/head HEAD; git rev-parse HEAD; git checkout -q main")
	status, text := w.post("pull_request", `{"action":"opened","pull_request":{"number":7,"title":"T","html_url":"https://h/7","user":{"login":"eve"},
		"head":{"ref":"main","sha":"`+head+`","repo":{"id":2,"full_name":"$(id)'e;ve/app"}},"base":{"ref":"main","repo":{"id":1}}},"repository":{"id":1,"full_name":"acme/app"}}`)
	if status != 202 || !strings.Contains(text, "on_hold") {
		t.Fatalf("%d %s", status, text)
	}
	w.told(api, head, "popsicle pending: waits for approval: popsicle approve 1")
	w.push("refs/heads/main")
	w.await("on_hold", "success")
	w.must(0, "approve", "1")
	w.await("success", "success")
	w.told(api, head, "popsicle success: approved by ")
	w.told(api, head, "popsicle/main success: 1 job passed in ")
	if log := w.must(0, "logs", "2"); !strings.Contains(log, "main|||14 letters") {
		t.Errorf("the log of the push, which may have the token:\n%s", log)
	}
	if log := w.must(0, "logs", "1"); !strings.Contains(log, "pull/7|7|$(id)'e;ve|0 letters") {
		t.Errorf("the log:\n%s", log)
	}
}

func TestDaemonKilled(t *testing.T) {
	w := newWatch(t, watched(images.Busybox(t), `'sleep ${WAIT:-2}'`))
	w.push("refs/heads/main")
	w.await("running")
	w.waitFor("a container", func() bool { return len(w.ours()) > 0 })
	w.end(syscall.SIGKILL)
	w.start()
	w.await("interrupted", "success")
	// What is handed back by a daemon that ends runs again too.
	w.sh("sed -i 's/:-2/:-20/' .popsicle/ci.yml; git commit -qam slow")
	w.push("refs/heads/main")
	w.await("interrupted", "success", "running")
	began := time.Now()
	w.end(syscall.SIGTERM)
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("the end took %s", took)
	}
	if got := w.statuses(); !slices.Equal(got, []string{"interrupted", "success", "interrupted"}) {
		t.Errorf("after SIGTERM: %v", got)
	}
	w.start()
	w.await("interrupted", "success", "interrupted", "running")
}
