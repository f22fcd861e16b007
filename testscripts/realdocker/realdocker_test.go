// Package realdocker runs the whole program on a real Docker engine: what a
// stand-in cannot show. Docker must hold nothing of these runs afterwards.
package realdocker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

var binDir string

func TestMain(m *testing.M) {
	var err error
	if binDir, err = os.MkdirTemp("", "popsicle-real-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(binDir) // a temporary folder
	os.Exit(code)
}

// program builds popsicle, once.
var program = sync.OnceValues(func() (string, error) {
	file := filepath.Join(binDir, "popsicle")
	out, err := exec.Command("go", "build", "-o", file, "github.com/popsicle-ci/popsicle").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return file, nil
})

// A place is a git checkout and a history of its own.
type place struct {
	t         *testing.T
	dir, home string
	podman    []string // the environment of a podman to use in place of docker
}

// newPlace commits the files into a new checkout.
func newPlace(t *testing.T, files map[string]string) place {
	t.Helper()
	return newPlaceOn(t, nil, files)
}

// newPlaceOn is newPlace for runs on a podman.
func newPlaceOn(t *testing.T, podman []string, files map[string]string) place {
	t.Helper()
	p := place{t: t, podman: podman, dir: filepath.Join(t.TempDir(), "project"), home: filepath.Join(t.TempDir(), "home")}
	for name, text := range files {
		file := filepath.Join(p.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	git := exec.Command("sh", "-c", "git init -q -b main && git add . && git -c user.name=Ada -c user.email=ada@example.com commit -qm first")
	git.Dir = p.dir
	if out, err := git.CombinedOutput(); err != nil {
		t.Fatalf("git: %v: %s", err, out)
	}
	t.Cleanup(p.checkClean)
	return p
}

// command prepares popsicle in the place.
func (p place) command(args ...string) *exec.Cmd {
	p.t.Helper()
	file, err := program()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command(file, args...)
	cmd.Dir = p.dir
	cmd.Env = slices.Concat(os.Environ(), p.podman, []string{"POPSICLE_HOME=" + p.home})
	return cmd
}

// must runs popsicle, which must end with a code, and returns what it printed.
func (p place) must(code int, args ...string) string {
	p.t.Helper()
	out, err := p.command(args...).CombinedOutput()
	var exit *exec.ExitError
	got := 0
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		p.t.Fatal(err)
	}
	if got != code {
		p.t.Fatalf("popsicle %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, out)
	}
	return string(out)
}

// statuses returns the status of every pipeline, oldest first; also of those
// that were killed before they could say of which checkout they are.
func (p place) statuses() []string {
	p.t.Helper()
	var pipelines []struct{ Status string }
	cmd := p.command("history", "--json", "--limit", "0", "--all")
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &pipelines)
	}
	if err != nil {
		p.t.Fatalf("popsicle history: %v: %s", err, out)
	}
	var all []string
	for _, one := range slices.Backward(pipelines) {
		all = append(all, one.Status)
	}
	return all
}

// ours lists the containers and volumes that the place's runs made. The
// leases are files below its home.
func (p place) ours() []string {
	p.t.Helper()
	if p.podman != nil {
		return p.oursInPodman()
	}
	var found []string
	for _, args := range [][]string{
		{"ps", "--all", "--format", `container {{.Names}} {{.Label "popsicle.lease"}} {{.Label "popsicle.base"}}`},
		{"volume", "ls", "--format", `volume {{.Name}} {{.Label "popsicle.lease"}} {{.Label "popsicle.base"}}`},
	} {
		out, err := exec.Command("docker", args...).Output()
		if err != nil {
			p.t.Fatalf("docker %s: %v", args[0], err)
		}
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, p.home) {
				found = append(found, strings.TrimSpace(line))
			}
		}
	}
	return found
}

// checkClean removes the trees that runs keep on purpose, and fails the test
// when anything else of them is left.
func (p place) checkClean() {
	p.t.Helper()
	out, err := p.command("gc", "--all").CombinedOutput()
	if err != nil {
		p.t.Errorf("popsicle gc: %v: %s", err, out)
	}
	if left := p.ours(); len(left) > 0 {
		p.t.Errorf("left in Docker:\n%s", strings.Join(left, "\n"))
	}
}

// waitFor waits until something holds, and fails the test when it does not.
func (p place) waitFor(what string, holds func() bool) {
	p.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	tooLate := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-tooLate:
			p.t.Fatalf("%s: not within 30 s; in Docker there is\n%s", what, strings.Join(p.ours(), "\n"))
		}
	}
}

// TestSeedExample runs the example that popsicle was asked for with.
func TestSeedExample(t *testing.T) {
	images.Named(t, "python:3.9")
	p := newPlace(t, map[string]string{
		"requirements.txt": "",
		"test_sum.py":      "def test_sum():\n    assert 1 + 1 == 2\n",
		".popsicle/ci.yml": `version: 2.1
jobs:
  build:
    docker:
      - image: python:3.9
    steps:
      - checkout
      - run: pip install -r requirements.txt
      - run: pytest

workflows:
  version: 2
  build_and_test:
    jobs:
      - build
`})
	if out := p.must(0, "run"); !strings.Contains(out, "1 passed in") {
		t.Errorf("pytest did not run:\n%s", out)
	}
}

// largeTree are files enough for a tree that is kept on the engine.
func largeTree() map[string]string {
	files := map[string]string{}
	for i := range 1600 {
		files[fmt.Sprintf("src/d%02d/f%04d.txt", i/100, i)] = fmt.Sprintln("file", i)
	}
	return files
}

// TestKilledAtAnyTime kills popsicle without a warning, at any moment of a
// run. Its containers end by themselves; the next run reaps what else is
// left, and closes the run in the history.
func TestKilledAtAnyTime(t *testing.T) {
	image := images.Busybox(t)
	files := largeTree()
	files[".popsicle/ci.yml"] = strings.ReplaceAll(`version: 2.1
jobs:
  one: &job
    docker: [{image: IMAGE}]
    steps:
      - checkout
      - run: i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo line $i; done
      - run: sleep 0.2; ls src | wc -l
  two: *job
  three: *job
workflows:
  main:
    jobs:
      - one
      - two
      - three: {requires: [one]}
`, "IMAGE", image)
	p := newPlace(t, files)
	p.must(0, "run")
	kills := 8
	if testing.Short() {
		kills = 2
	}
	for i := range kills {
		cmd := p.command("run")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i) * 250 * time.Millisecond) // not to synchronise: any moment will do
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed, or just ended
	}
	p.waitFor("the containers of killed runs end", func() bool { return len(p.running()) == 0 })
	p.must(0, "run")
	for i, status := range p.statuses() {
		if status != "success" && status != "interrupted" {
			t.Errorf("pipeline #%d is %s", i+1, status)
		}
	}
	if out := p.must(0, "logs"); strings.Count(out, "line 200\n") != 3 {
		t.Errorf("the log of the last run is not whole:\n%s", out)
	}
}

// TestInterruptedStep ends a run by Ctrl-C: in a second, with nothing left,
// and without the gc of a later run.
func TestInterruptedStep(t *testing.T) {
	image := images.Debian(t)
	for name, step := range map[string]string{
		"asleep":         "echo began; sleep 300",
		"in a pipe":      "echo began; yes | sleep 300",
		"ignores SIGINT": "trap '' INT; echo began; sleep 300",
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, map[string]string{".popsicle/ci.yml": `version: 2.1
jobs:
  build:
    docker: [{image: ` + image + `}]
    steps:
      - run: ` + step + `
workflows:
  main:
    jobs: [build]
`})
			cmd := p.command("run", "--plain")
			var out lockedBuffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			p.waitFor("the step begins", func() bool { return strings.Contains(out.String(), "| began") })
			start := time.Now()
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // the code is looked at
			if code := cmd.ProcessState.ExitCode(); code != 130 {
				t.Errorf("exit code %d\n%s", code, out.String())
			}
			t.Logf("ended after %v", time.Since(start).Round(time.Millisecond))
			if left := p.ours(); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			if got := p.statuses(); !slices.Equal(got, []string{"canceled"}) {
				t.Errorf("the history says %v", got)
			}
		})
	}
}

// A lockedBuffer is written by a process and read by its test.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
