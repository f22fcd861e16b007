package testscripts

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A desk is a git checkout with a history and a stand-in for docker.
type desk struct {
	t   *testing.T
	dir string
	env []string
}

func newDesk(t *testing.T, config string) desk {
	t.Helper()
	work := t.TempDir()
	d := desk{t: t, dir: filepath.Join(work, "project"), env: append(os.Environ(),
		"POPSICLE_HOME="+filepath.Join(work, "home"), "FAKEDOCKER="+filepath.Join(work, "docker"))}
	file := filepath.Join(d.dir, ".popsicle", "ci.yml")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	git := exec.Command("sh", "-c", "git init -q -b main && git add . && git -c user.name=Ada -c user.email=ada@example.com commit -qm first")
	git.Dir = d.dir
	if out, err := git.CombinedOutput(); err != nil {
		t.Fatalf("git: %v: %s", err, out)
	}
	return d
}

// popsicle prepares the program, which testscript.Main put on the PATH.
func (d desk) popsicle(args ...string) *exec.Cmd {
	cmd := exec.Command("popsicle", args...)
	cmd.Dir, cmd.Env = d.dir, d.env
	return cmd
}

// A line is what the history says of a pipeline.
type line struct {
	ID     int64  `json:"number"`
	Status string `json:"status"`
}

// history returns the pipelines, oldest first.
func (d desk) history() []line {
	d.t.Helper()
	var lines []line
	out, err := d.popsicle("history", "--json", "--limit", "0").Output()
	if err == nil {
		err = json.Unmarshal(out, &lines)
	}
	if err != nil {
		d.t.Fatalf("popsicle history: %v: %s", err, out)
	}
	slices.Reverse(lines)
	return lines
}

const threeInARow = `version: 2.1
jobs:
  a: &job
    docker: [{image: alpine}]
    steps:
      - run: echo $CIRCLE_JOB
      - run: echo again
  b: *job
  c: *job
workflows:
  main:
    jobs:
      - a
      - b: {requires: [a]}
      - c: {requires: [b]}
`

// TestInterruptedAnywhere sends a signal at any moment of a run, also between
// two of its jobs. A run that was interrupted never counts as passed: it ends
// with 130 and as canceled, unless all of it was over.
func TestInterruptedAnywhere(t *testing.T) {
	d := newDesk(t, threeInARow)
	start := time.Now()
	if out, err := d.popsicle("run").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	whole := time.Since(start)
	const times = 25
	var codes []int
	for i := range times {
		cmd := d.popsicle("run")
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(whole * time.Duration(i) / times) // not to synchronise: any moment will do
		_ = cmd.Process.Signal(os.Interrupt)         // it may be over
		_ = cmd.Wait()                               // the code is looked at
		code := cmd.ProcessState.ExitCode()
		codes = append(codes, code)
		all := strings.Contains(out.String(), "(3 passed)")
		switch {
		case code == -1 && (all || out.Len() == 0): // when popsicle did not listen yet, or no more
		case code == 130 && !all:
		case code == 0 && all:
		default:
			t.Errorf("signal at %d/%d of a run: exit code %d\n%s", i, times, code, out.String())
		}
	}
	t.Logf("exit codes %v", codes)
	for _, l := range d.history() {
		if l.Status != "success" && l.Status != "canceled" && l.Status != "interrupted" {
			t.Errorf("pipeline #%d is %s", l.ID, l.Status)
		}
	}
	if !slices.Contains(codes, 130) {
		t.Error("no signal came while a run went on")
	}
}

// TestSeveralAtOnce runs several popsicles on one checkout and one history.
func TestSeveralAtOnce(t *testing.T) {
	d := newDesk(t, threeInARow)
	const several = 6
	var wg sync.WaitGroup
	for range several {
		wg.Go(func() {
			if out, err := d.popsicle("run").CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	lines := d.history()
	if len(lines) != several {
		t.Errorf("the history has %d of %d pipelines", len(lines), several)
	}
	for i, l := range lines {
		if l.ID != int64(i+1) || l.Status != "success" {
			t.Errorf("pipeline %d of the history is #%d, %s", i+1, l.ID, l.Status)
		}
		out, err := d.popsicle("logs", fmt.Sprint(l.ID), "--job", "c").Output()
		if err != nil || !strings.Contains(string(out), "c\n") {
			t.Errorf("logs of #%d: %v: %s", l.ID, err, out)
		}
	}
}
