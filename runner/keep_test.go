package runner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// fails runs a job that fails, and returns what is kept of it.
func (r *rig) fails(job *plan.Job, tune ...func(*Runner)) Kept {
	r.t.Helper()
	var all []Kept
	r.run(job, append(tune, func(run *Runner) {
		run.Keep = func(k Kept) error { all = append(all, k); return nil }
	})...)
	if len(all) != 1 {
		r.t.Fatalf("%d containers are kept", len(all))
	}
	r.t.Cleanup(func() { // before clean
		if err := (docker.CLI{}).ImageRemove(context.Background(), all[0].Image); err != nil {
			r.t.Log(err)
		}
	})
	if err := all[0].Freeze(r.t.Context(), docker.CLI{}); err != nil {
		r.t.Fatal(err)
	}
	return all[0]
}

// shell does what stands in script in a kept container, and returns what that
// writes.
func (r *rig) shell(k Kept, given []plan.Var, script string) (out string, code int) {
	r.t.Helper()
	lease, err := docker.TakeLease(filepath.Join(r.home, "leases"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = lease.Release() }()
	step := k.Steps[len(k.Steps)-1]
	v, err := Visit(r.t.Context(), docker.CLI{}, k, k.Text(given, step), lease)
	if err != nil {
		r.t.Fatal(err)
	}
	file := func(name, text string) *os.File {
		f, err := os.Create(filepath.Join(r.t.TempDir(), name))
		if err == nil {
			_, err = f.WriteString(text)
		}
		if err == nil {
			_, err = f.Seek(0, 0)
		}
		if err != nil {
			r.t.Fatal(err)
		}
		return f
	}
	in, to := file("in", script), file("out", "")
	defer in.Close()
	defer to.Close()
	code, err = v.Shell(r.t.Context(), in, to, to, false)
	if err := v.Close(); err != nil {
		r.t.Error(err)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	text, err := os.ReadFile(to.Name())
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text), code
}

// A kept container opens with what its job had: files, directory, user,
// variables; and no secret lies in its image.
func TestKeptContainerOpensAsItWas(t *testing.T) {
	for _, image := range []string{images.Busybox(t), images.Debian(t)} {
		t.Run(image, func(t *testing.T) {
			r := newRig(t, map[string]string{"tracked.txt": "from the tree\n"})
			secret := plan.Var{Name: "TOKEN", Value: "hunter2-hunter2"}
			k := r.fails(&plan.Job{
				Name: "test", Kind: plan.Docker, WorkDir: "~/project", Parallelism: 1, Env: []plan.Var{{Name: "COLOUR", Value: "it's blue"}},
				Images: []plan.Image{{Name: image}},
				Steps: []plan.Step{
					{Do: plan.Checkout{}, When: plan.OnSuccess},
					{Do: plan.Run{Command: `echo made >made.txt; echo 'export LATER=yes' >>"$BASH_ENV"`}, When: plan.OnSuccess},
					{Do: plan.Run{Command: "mkdir -p sub; exit 3", Env: []plan.Var{{Name: "OF_STEP", Value: "1"}}}, When: plan.OnSuccess},
				},
			}, func(run *Runner) { run.Given, run.Mask = []plan.Var{secret}, NewMask([]plan.Var{secret}) })
			if strings.Contains(fmt.Sprint(k), secret.Value) {
				t.Error("the value of a secret is kept")
			}
			out, code := r.shell(k, []plan.Var{{Name: "TOKEN", Value: "given again"}},
				`echo "$PWD|$COLOUR|$OF_STEP|$LATER|$TOKEN|$CIRCLE_JOB"; cat made.txt tracked.txt; ls /mnt/popsicle; exit 9`)
			want := k.Dir + "|it's blue|1|yes|given again|test\nmade\nfrom the tree\n"
			if out != want || code != 9 {
				t.Errorf("wrote %q and exited with %d, want %q and 9", out, code, want)
			}
		})
	}
}

// A large tree lies in a view: its volumes stay, and the shell sees it.
func TestKeptViewStays(t *testing.T) {
	files := map[string]string{}
	for i := range largeFiles {
		files[fmt.Sprintf("d/%d.txt", i)] = "x\n"
	}
	r := newRig(t, files)
	k := r.fails(&plan.Job{
		Name: "test", Kind: plan.Docker, WorkDir: "~/project", Parallelism: 1, Images: []plan.Image{{Name: images.Busybox(t)}},
		Steps: []plan.Step{
			{Do: plan.Checkout{}, When: plan.OnSuccess},
			{Do: plan.Run{Command: "echo changed >d/7.txt; exit 1"}, When: plan.OnSuccess},
		},
	})
	t.Cleanup(func() {
		if err := (docker.CLI{}).VolumeRemove(context.Background(), k.Volumes...); err != nil {
			t.Log(err)
		}
	})
	if len(k.Volumes) == 0 || k.Base == "" {
		t.Fatalf("volumes %v over base %q", k.Volumes, k.Base)
	}
	out, _ := r.shell(k, nil, "cat d/7.txt d/8.txt; ls d | wc -l")
	if want := fmt.Sprintf("changed\nx\n%d\n", largeFiles); out != want {
		t.Errorf("wrote %q, want %q", out, want)
	}

	// A rerun goes on above it: with what was changed there, and leaves it as it was.
	r.write(map[string]string{"d/9.txt": "new\n"})
	if err := os.Remove(filepath.Join(r.dir, "d/10.txt")); err != nil {
		t.Fatal(err)
	}
	r.listener = &listener{}
	r.must(t, r.run(&plan.Job{
		Name: "test", Kind: plan.Docker, WorkDir: "~/project", Parallelism: 1, Images: []plan.Image{{Name: images.Busybox(t)}},
		Steps: []plan.Step{
			{Do: plan.Checkout{}, When: plan.OnSuccess},
			{Do: plan.Run{Command: "cat d/7.txt d/8.txt d/9.txt; ls d | wc -l; echo mine >d/7.txt"}, When: plan.OnSuccess},
		},
	}, func(run *Runner) {
		run.Resume = func(string, string, int) *Resume { return &Resume{Kept: k, At: 1, From: 1, Reason: "passed in #1"} }
	}))
	if want := fmt.Sprintf("changed\nx\nnew\n%d\n", largeFiles-1); r.said(3) != want {
		t.Errorf("wrote %q, want %q", r.said(3), want)
	}
	if out, _ := r.shell(k, nil, "cat d/7.txt d/10.txt"); out != "changed\nx\n" {
		t.Errorf("what is kept has changed: %q", out)
	}
}

// A job that passed leaves nothing, and one on many nodes no more than a few.
func TestLittleIsKept(t *testing.T) {
	r := newRig(t, nil)
	n := 0
	run := r.runner(func(run *Runner) { run.Keep = func(Kept) error { n++; return nil } })
	j := &job{runner: run, session: &session{}, container: &docker.Container{}}
	for range mostKept + 2 {
		if j.failed = false; j.worthKeeping() {
			t.Error("a job that passed is worth keeping")
		}
		j.failed = true
		if j.worthKeeping() {
			n++
		}
	}
	if n != mostKept {
		t.Errorf("%d are kept, want %d", n, mostKept)
	}
}
