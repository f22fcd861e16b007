package runner

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A Resume is where a job goes on that failed in an earlier pipeline: in what
// is kept of its container, at a step. The steps before that one are taken
// over, but for those that leave something outside of the file system: keys,
// an engine, programs in the background.
type Resume struct {
	Kept   Kept   // frozen
	At     int    // place of the step among those of Kept
	From   int    // and in the plan
	Reason string // why the steps before it are not taken: "passed in #12"
}

// volumes are those that lie under what is kept.
func (r *Resume) volumes() []string {
	if r == nil {
		return nil
	}
	return r.Kept.Volumes
}

// startup is the shell text that writes what earlier steps wrote into
// $BASH_ENV behind what popsicle writes there.
func (r *Resume) startup(h hello) string {
	if r == nil || r.Kept.Startup == "" {
		return ""
	}
	return "printf '%s\\n' " + quote(strings.TrimSuffix(r.Kept.Startup, "\n")) + " >>" + quote(h.Dir+"/bash_env") + "\n"
}

// hash names what a step of the plan has done in the container: empty where it
// was taken over from a run in which it was another.
func (r *Resume) hash(at int, s plan.Step) string {
	is := func(k KeptStep) bool { return k.Hash == s.Hash() }
	if r != nil && at < r.From && !slices.ContainsFunc(r.Kept.Steps[:r.At], is) {
		return ""
	}
	return s.Hash()
}

// story says how the job came to its end; empty where it is the usual way.
func (r *Resume) story() string {
	if r == nil {
		return ""
	}
	s := r.Kept.Steps[r.At]
	return fmt.Sprintf("from step %d %s on, in the container of #%d", s.Number, s.Name, r.Kept.Pipeline)
}

// lost explains why the kept container does not start.
func (r *Resume) lost(err error) error {
	k := r.Kept
	return fmt.Errorf("what is kept of job %s of #%d does not start (popsicle rerun %d --failed runs it from its beginning): %w", k.Job, k.Pipeline, k.Pipeline, err)
}

// outgrown warns of what is not as it was when the container was made.
func (j *job) outgrown() {
	k := j.resume.Kept
	if k.SetUp != j.plan.SetUp() {
		j.runner.once(j.at, fmt.Sprintf("the image, shell, directory or variables of job %s have changed since #%d: it goes on in its container of then, with the variables of now", j.plan.Name, k.Pipeline))
	}
	if len(j.plan.Images) > 1 {
		j.runner.once(j.at, fmt.Sprintf("the services of job %s are new: what its earlier steps left in them is gone", j.plan.Name))
	}
}

// takesOver says whether step number n is taken over from the earlier run.
func (j *job) takesOver(n int, s plan.Step) bool {
	if j.resume == nil || n-j.first() >= j.resume.From {
		return false
	}
	switch a := s.Do.(type) {
	case plan.AddSSHKeys, plan.SetupRemoteDocker:
		return false
	case plan.Run:
		return !a.Background
	}
	return true
}

// takeOver ends a step that passed in the earlier run. In place of a checkout,
// it brings what has changed since.
func (j *job) takeOver(ctx context.Context, _ int, s plan.Step) (event.StepFinished, error) {
	end := event.StepFinished{Status: event.Success, Reason: j.resume.Reason}
	c, isCheckout := s.Do.(plan.Checkout)
	if !isCheckout || j.checkedOut || j.resume.Kept.Manifest == nil {
		return end, nil
	}
	j.checkedOut = true
	changed, deleted, err := j.catchUp(ctx, destination(j.plan, c, j.session.hello.Home))
	if n := len(changed) + len(deleted); n > 0 {
		names := append(deleted, changed...)
		j.say("Changed since #%d, and brought into its container: %s\n", j.resume.Kept.Pipeline, someOf(names))
		end.Reason += fmt.Sprintf(", with %s that changed since", files(n))
	}
	return end, err
}

// catchUp makes of the tree that was tested the one that is. What steps have
// made of other files stays.
func (j *job) catchUp(ctx context.Context, dir string) (changed, deleted []string, err error) {
	k := j.resume.Kept
	was, err := gitops.DecodeManifest(bytes.NewReader(k.Manifest))
	if err != nil {
		return nil, nil, err
	}
	tree, err := j.runner.Checkout.Tree(ctx)
	if err != nil {
		return nil, nil, err
	}
	files, deleted := tree.Since(was)
	for _, f := range files {
		changed = append(changed, f.Path)
	}
	moved := slices.ContainsFunc(k.Vars, func(v plan.Var) bool { return v.Name == "CIRCLE_SHA1" && v.Value != tree.Commit })
	if len(files)+len(deleted) == 0 && !moved {
		return nil, nil, nil
	}
	err = j.remove(ctx, dir, deleted)
	var readable bool
	if err == nil {
		_, readable, err = j.survey(ctx, ":")
	}
	if err == nil {
		err = j.place(ctx, dir, delivery{tree: tree, only: files, readable: readable})
	}
	return changed, deleted, err
}

// someOf names the first few of many.
func someOf(names []string) string {
	if n := len(names); n > 5 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:5], ", "), n-5)
	}
	return strings.Join(names, ", ")
}

// remount decides what the job sees besides its kept container: what that saw.
// A view stays as it was, under one of the job's own.
func (j *job) remount(ctx context.Context) ([]docker.Mount, error) {
	k := j.resume.Kept
	var mounts []docker.Mount
	for _, m := range k.Mounts {
		if m.Bind != "" {
			dir := m.Bind
			mounts, j.objects = append(mounts, m), append(j.objects, dir)
			continue
		}
		image := j.plan.Images[0]
		facts, known := j.known(image)
		if !known {
			return nil, errProbe
		}
		v, err := j.runner.above(ctx, j.at.JobID, k, m, facts)
		if err != nil {
			return nil, err
		}
		j.view, mounts = v, append(mounts, v.mounts()...)
	}
	return mounts, nil
}

// above makes a view of what is kept of one.
func (r *Runner) above(ctx context.Context, id int, k Kept, m docker.Mount, f Facts) (*view, error) {
	below := map[string]string{}
	for option := range strings.SplitSeq(m.Options["o"], ",") {
		name, value, _ := strings.Cut(option, "=")
		below[name] = value
	}
	lower := below["lowerdir"]
	base := path.Dir(lower[strings.LastIndex(lower, ":")+1:])
	v := &view{
		base: &Base{Volume: k.Base, Mountpoint: base}, image: k.Image, facts: f, dir: m.Target, loaded: make(chan error, 1),
	}
	v.loaded <- nil
	return v, r.overlay(ctx, id, v, below["upperdir"]+":"+lower)
}
