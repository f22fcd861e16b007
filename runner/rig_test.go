package runner

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"context"

	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/popsicle-ci/popsicle/runner/stash"
)

// A rig is a checkout, and what runs its jobs on the real engine.
type rig struct {
	t      *testing.T
	dir    string // of the checkout
	home   string
	memory *remembered
	shelf  *cupboard
	*listener
}

// newRig makes a checkout of files, committed; an executable's name ends in *.
func newRig(t *testing.T, files map[string]string) *rig {
	t.Helper()
	r := newRigWithoutEngine(t, files)
	t.Cleanup(r.clean)
	return r
}

func newRigWithoutEngine(t *testing.T, files map[string]string) *rig {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, dir: dir, home: t.TempDir(), memory: &remembered{facts: map[string]Facts{}}, shelf: &cupboard{}, listener: &listener{}}
	r.git("init", "-q", "-b", "main")
	r.write(files)
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", "first")
	return r
}

func (r *rig) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "user.name=Ada", "-c", "user.email=ada@example.invalid"}, args...)...)
	cmd.Dir = r.dir
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("git %v: %v", args, err)
	}
	return string(out)
}

func (r *rig) write(files map[string]string) {
	r.t.Helper()
	for name, text := range files {
		mode := os.FileMode(0o644)
		if strings.HasSuffix(name, "*") {
			name, mode = strings.TrimSuffix(name, "*"), 0o755
		}
		file := filepath.Join(r.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			r.t.Fatal(err)
		}
	}
}

// clean removes the bases of the rig, and fails the test when Docker still
// has anything else of it.
func (r *rig) clean() {
	ctx := context.Background()
	if err := (docker.CLI{}).VolumeRemove(ctx, r.memory.volumes()...); err != nil {
		r.t.Error(err)
	}
	if left := r.left(); len(left) > 0 {
		r.t.Errorf("left on the engine: %v", left)
	}
}

// left lists what the engine has of the rig's runs.
func (r *rig) left() []string {
	r.t.Helper()
	var names []string
	for _, kind := range []string{"container", "volume"} {
		all, err := (docker.CLI{}).Labelled(context.Background(), kind, docker.LabelLease, docker.LabelLease)
		if err != nil {
			r.t.Fatal(err)
		}
		for name, labels := range all {
			if strings.HasPrefix(labels[0], r.home) {
				names = append(names, name)
			}
		}
	}
	return names
}

// runner makes a Runner as commands does. It is closed by the test.
func (r *rig) runner(tune ...func(*Runner)) *Runner {
	r.t.Helper()
	lease, err := docker.TakeLease(filepath.Join(r.home, "leases"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = lease.Release() })
	repo, err := gitops.Open(r.t.Context(), r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	snapshot, err := repo.Snapshot(r.t.Context(), gitops.Source{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.events = nil
	run := &Runner{
		Engine: "unix:///var/run/docker.sock", Out: event.NewStream(r.listener), Mask: NewMask(nil), Lease: lease, Home: r.home,
		Checkout: &Checkout{Repo: repo, Snapshot: snapshot}, Memory: r.memory,
		Stash: stash.New(filepath.Join(r.home, "stash")), Shelf: r.shelf, Pull: PullNever, Grace: Grace,
		Build: NewBuild(7, snapshot.Head(), "main", "", "ada"), Continuations: &Continuations{},
	}
	for _, f := range tune {
		f(run)
	}
	return run
}

// run runs one job to its end, and the end of all that it made.
func (r *rig) run(job *plan.Job, tune ...func(*Runner)) Outcome {
	r.t.Helper()
	run := r.runner(tune...)
	o := run.RunJob(r.t.Context(), event.At{Pipeline: 7, Workflow: "w", Job: job.Name, JobID: 1}, job)
	run.Close(r.t.Context())
	return o
}

// jobOn makes a job of an image; strings are run steps.
func jobOn(image string, steps ...any) *plan.Job {
	j := &plan.Job{Name: "job", Kind: plan.Docker, Images: []plan.Image{{Name: image}}, WorkDir: "~/project"}
	for _, s := range steps {
		step := plan.Step{Name: "step", When: plan.OnSuccess}
		switch s := s.(type) {
		case string:
			step.Do = plan.Run{Command: s}
		case plan.Step:
			step = s
		case plan.Action:
			step.Do = s
		}
		j.Steps = append(j.Steps, step)
	}
	return j
}

// said returns the output of a step; the job's first is number 2.
func (l *listener) said(step int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, e := range l.events {
		if o, ok := e.(event.Output); ok && o.Step == step {
			b.WriteString(o.Text)
		}
	}
	return b.String()
}

// story is the job in short: what each step did, in order.
func (l *listener) story() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, e := range l.events {
		switch e := e.(type) {
		case event.StepStarted:
			fmt.Fprintf(&b, "%d", e.Step)
		case event.Output:
			fmt.Fprintf(&b, "<%s>", strings.ReplaceAll(e.Text, "\n", "/"))
		case event.StepFinished:
			fmt.Fprintf(&b, "=%s", e.Status)
			if e.HasExit {
				fmt.Fprintf(&b, ":%d", e.ExitCode)
			}
			b.WriteString(" ")
		}
	}
	return strings.TrimSpace(b.String())
}

// must fails the test if the job did not pass.
func (l *listener) must(t *testing.T, o Outcome) {
	t.Helper()
	if o.Status != event.Success {
		t.Fatalf("the job ended as %s %s: %s\n%s", o.Status, o.Reason, l.story(), l.said(1))
	}
}

// fingerprint is everything that a run must not change in a checkout.
func (r *rig) fingerprint() map[string]string {
	r.t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(r.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		text := fmt.Sprint(info.Mode(), stat.Uid, stat.Gid, info.ModTime().UnixNano())
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			text += fmt.Sprintf(" %x", sha256.Sum256(content))
		}
		found[name] = text
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return found
}

// unchanged fails the test if the checkout is not what it was.
func (r *rig) unchanged(before map[string]string) {
	r.t.Helper()
	after := r.fingerprint()
	if maps.Equal(before, after) {
		return
	}
	for name, text := range after {
		if before[name] != text {
			r.t.Errorf("%s was %q and is %q", name, before[name], text)
		}
	}
	for name := range before {
		if after[name] == "" {
			r.t.Errorf("%s is gone", name)
		}
	}
}

// when returns a channel that the first event that fits closes.
func (l *listener) when(fits func(event.Event) bool) <-chan struct{} {
	found := make(chan struct{})
	tell := sync.OnceFunc(func() { close(found) })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hear = func(e event.Event) {
		if fits(e) {
			tell()
		}
	}
	return found
}

// saying fits output that holds text.
func saying(text string) func(event.Event) bool {
	return func(e event.Event) bool {
		o, ok := e.(event.Output)
		return ok && strings.Contains(o.Text, text)
	}
}

func always(action plan.Action) plan.Step { return plan.Step{When: plan.Always, Do: action} }
func onFail(action plan.Action) plan.Step { return plan.Step{When: plan.OnFail, Do: action} }

// soon is a no_output_timeout that a test can wait for.
const soon = 300 * time.Millisecond
