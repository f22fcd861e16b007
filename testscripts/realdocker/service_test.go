package realdocker

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// withServices is a job with two services that never end, and a step that
// begins once both answer.
func withServices(image string) map[string]string {
	return map[string]string{".popsicle/ci.yml": strings.ReplaceAll(`version: 2.1
jobs:
  one:
    docker:
      - image: IMAGE
      - &service
        image: IMAGE
        entrypoint: [sh, -c, "trap '' TERM; while :; do echo up | nc -l -p $PORT; done"]
        environment: {PORT: "7001"}
      - <<: *service
        environment: {PORT: "7002"}
    steps:
      - run: |
          for port in 7001 7002; do until nc localhost $port </dev/null 2>/dev/null; do sleep 0.1; done; done
          echo both are up
          sleep 300
workflows:
  main: {jobs: [one]}
`, "IMAGE", image)}
}

// running lists the containers of this place that run.
func (p place) running() []string {
	p.t.Helper()
	out, err := exec.Command("docker", "ps", "--format", `{{.Names}} {{.Label "popsicle.lease"}}`).Output()
	if err != nil {
		p.t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Split(string(out), "\n"), func(line string) bool { return !strings.Contains(line, p.home) })
}

// TestKilledWithServices kills popsicle beside two services: they go within
// seconds, though nothing ends with the container whose network they share.
// That one stays, stopped, for the next run or gc to remove.
func TestKilledWithServices(t *testing.T) {
	p := newPlace(t, withServices(images.Busybox(t)))
	var running []string
	var killed time.Time
	code, _ := p.signalAfter(os.Kill, func(_ int, line string) bool {
		if !strings.Contains(line, `both are up\n"`) {
			return false
		}
		running, killed = p.ours(), time.Now()
		return true
	})
	if code != -1 || len(running) != 3 {
		t.Fatalf("exit code %d; before the kill there was\n%s", code, strings.Join(running, "\n"))
	}
	p.waitFor("nothing of the job runs", func() bool { return len(p.running()) == 0 })
	if took := time.Since(killed); took > 5*time.Second {
		t.Errorf("the services were there for %s after the kill", took)
	}
	p.must(0, "gc")
	if left := p.ours(); len(left) > 0 {
		t.Errorf("left after gc: %v", left)
	}
	if got := p.statuses(); len(got) != 1 || got[0] != "interrupted" && got[0] != "running" {
		t.Errorf("the history says %v", got)
	}
}
