package realdocker

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// held has build, then deploy once somebody has approved hold.
func held(image string) map[string]string {
	return map[string]string{".popsicle/ci.yml": `version: 2.1
jobs:
  build:
    docker: [{image: ` + image + `}]
    steps: [checkout, run: mkdir out && echo built in $CIRCLE_WORKFLOW_JOB_ID > out/it, persist_to_workspace: {root: ., paths: [out]}]
  deploy:
    docker: [{image: ` + image + `}]
    steps: [attach_workspace: {at: .}, run: 'grep built out/it']
workflows:
  main:
    jobs:
      - build
      - hold: {type: approval, requires: [build]}
      - deploy: {requires: [hold]}
`}
}

// token makes a token that may write, and gives it to the commands of the test.
func (w *watch) token() string {
	w.t.Helper()
	made := strings.Fields(w.must(0, "daemon", "token", "create", "t", "--scope", "write"))
	return made[len(made)-1]
}

func TestDaemonHoldsForAnApproval(t *testing.T) {
	w, api := newTelling(t, held(images.Busybox(t)))
	commit := w.push("refs/heads/main")
	w.await("on_hold")
	w.told(api, commit, "popsicle/main pending: waiting for approval: hold")

	// A restart does not wait for somebody, and runs nothing again that passed.
	w.end(syscall.SIGTERM)
	if got := w.statuses(); len(got) != 1 || got[0] != "interrupted" {
		t.Fatalf("after SIGTERM: %v", got)
	}
	if api.has(commit, "popsicle/main error") {
		t.Errorf("the commit was told of the restart: %q", api.said)
	}
	w.start()
	w.await("interrupted", "on_hold")
	if shown := w.must(0, "show", "2", "--json"); !strings.Contains(shown, "passed in #1") {
		t.Errorf("build ran again:\n%s", shown)
	}
	// kill -9 neither.
	w.end(syscall.SIGKILL)
	w.start()
	w.await("interrupted", "interrupted", "on_hold")
	t.Setenv("POPSICLE_TOKEN", w.token())
	if out := w.must(0, "approve", "3", "hold", "--server", w.url); !strings.Contains(out, "#3/hold approved by token t") {
		t.Errorf("approve says: %s", out)
	}
	w.await("interrupted", "interrupted", "success")
	w.told(api, commit, "popsicle/main success: 3 jobs passed in ")
	if log := w.must(0, "logs", "3", "--job", "deploy"); !strings.Contains(log, "built in") {
		t.Errorf("deploy has not what build left:\n%s", log)
	}
	w.sh("git commit -q --allow-empty -m rejected")
	rejected := w.push("refs/heads/main")
	w.await("interrupted", "interrupted", "success", "on_hold")
	w.must(0, "approve", "4", "hold", "--reject")
	w.await("interrupted", "interrupted", "success", "canceled")
	w.told(api, rejected, "popsicle/main error: canceled")
}

// TestHeldPipelinesTakeNoPlace lets more pipelines wait for somebody than a
// daemon has under way at once.
func TestHeldPipelinesTakeNoPlace(t *testing.T) {
	w := newWatch(t, map[string]string{".popsicle/ci.yml": "version: 2.1\nworkflows: {main: {jobs: [hold: {type: approval}]}}\n"})
	w.end(syscall.SIGTERM)
	w.start("--jobs", "1")
	want := []string{}
	for n := range 5 {
		w.sh(fmt.Sprintf("git checkout -q -b b%d; git commit -q --allow-empty -m %d", n, n))
		w.push(fmt.Sprintf("refs/heads/b%d", n))
		want = append(want, "on_hold")
	}
	w.await(want...)
	for name, text := range watched(images.Busybox(t), "true") {
		if err := os.WriteFile(w.dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.sh("git commit -qam build")
	w.push("refs/heads/b4")
	w.await("on_hold", "on_hold", "on_hold", "on_hold", "canceled", "success") // the newer of b4 ends the older
}

func TestDaemonRunsAgainWhatFailed(t *testing.T) {
	image := images.Busybox(t)
	w := newWatch(t, map[string]string{".popsicle/ci.yml": `version: 2.1
jobs:
  build:
    docker: [{image: ` + image + `}]
    steps: [run: mkdir out && echo $CIRCLE_BUILD_NUM > out/it, persist_to_workspace: {root: ., paths: [out]}]
  test:
    docker: [{image: ` + image + `}]
    steps: [attach_workspace: {at: .}, run: 'cat out/it; test << pipeline.number >> -gt 1']
workflows: {main: {jobs: [build, test: {requires: [build]}]}}
`})
	t.Setenv("POPSICLE_TOKEN", w.token())
	w.push("refs/heads/main")
	w.await("failed")
	if out := w.must(0, "rerun", "1", "--failed", "--server", w.url); out != "2\n" {
		t.Errorf("rerun says: %s", out)
	}
	w.await("failed", "success")
	if shown := w.must(0, "show", "2", "--json"); strings.Count(shown, "passed in #1") != 1 {
		t.Errorf("show says:\n%s", shown)
	}
	if out := w.must(2, "rerun", "2", "--failed", "--server", w.url); !strings.Contains(out, "nothing of it is left to run again") {
		t.Errorf("what passed: %s", out)
	}
	w.must(0, "rerun", "2", "--server", w.url)
	w.await("failed", "success", "success")
	if shown := w.must(0, "show", "3", "--json"); strings.Contains(shown, "passed in #") {
		t.Errorf("a rerun of all took something over:\n%s", shown)
	}
}
