package commands

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A resumption is a job that failed and goes on from a step, on each of its
// nodes that is kept.
type resumption struct {
	workflow, job string
	step          string   // as people see it: "4 go test"
	changed       []string // steps before it that the config says otherwise now
	nodes         map[int]*runner.Resume
}

// of is runner.Runner.Resume.
func (r *resumption) of(workflow, job string, node int) *runner.Resume {
	if workflow != r.workflow || job != r.job {
		return nil
	}
	return r.nodes[node]
}

// goesOn is runner.Reuse.Resumes.
func (r *resumption) goesOn(workflow, job string, node int) bool {
	return r != nil && r.of(workflow, job, node) != nil
}

// resumption finds what is kept of the job that is to go on, and makes sure
// that it can.
func (l *launch) resumption(ctx context.Context, job, from string) (*resumption, error) {
	kept, err := l.resumable(ctx, job)
	if err != nil {
		return nil, err
	}
	k := kept[0]
	now := l.planned(k.Workflow, k.Name)
	if now == nil {
		return nil, usage("the config has no job %s any more, or this run leaves it out", k.Name)
	}
	at, err := stepFrom(k.Kept, from)
	if err != nil {
		return nil, err
	}
	to, err := sameStep(k.Kept, at, now)
	if err != nil {
		return nil, err
	}
	r := &resumption{workflow: k.Workflow, job: k.Name, step: titleOf(k.Steps[at]), nodes: map[int]*runner.Resume{}, changed: changedBefore(k.Kept, at, now, to)}
	for _, k := range kept {
		if err := l.thaw(ctx, &k); err != nil {
			return nil, err
		}
		r.nodes[k.Node] = &runner.Resume{Kept: k.Kept, At: at, From: to, Reason: fmt.Sprintf("passed in #%d", k.Pipeline)}
	}
	return r, nil
}

// thaw makes a kept container one that a job can begin in.
func (l *launch) thaw(ctx context.Context, k *found) error {
	cli, err := l.clientFor(ctx, k.Engine)
	if err != nil {
		return err
	}
	all, err := engines(ctx, l.history, l.engine)
	if err == nil {
		all, err = l.wanted(all)
	}
	if err != nil {
		return err
	}
	if _, ok := among(all, k.Engine); !ok {
		return usage("the container of job %s of #%d is kept on the engine %s, which --runner leaves out", k.Job, k.Pipeline, k.Engine)
	}
	a := attic{l.history}
	if k.Image == "" {
		fmt.Fprintf(os.Stderr, "making an image of the container of job %s of #%d\n", k.Job, k.Pipeline)
	}
	if err := a.freeze(ctx, cli, k.id, &k.Kept); err != nil {
		return k.gone(err)
	}
	if k.Manifest, err = os.ReadFile(a.manifest(k.Kept)); os.IsNotExist(err) { // it failed before its checkout
		err = nil
	}
	return err
}

// resumable are the kept nodes of the one job that is meant, each as it failed
// last.
func (l *launch) resumable(ctx context.Context, job string) ([]found, error) {
	p := l.again.of
	all, err := l.history.AllKept(ctx)
	if err != nil {
		return nil, err
	}
	var some []found
	var names []string
	for _, row := range all {
		k, err := about(row)
		if err != nil {
			return nil, err
		}
		if k.Pipeline != p.ID {
			continue
		}
		if name := k.Workflow + "/" + k.Name; !slices.Contains(names, name) {
			names = append(names, name)
		}
		newest := !slices.ContainsFunc(some, func(o found) bool { return o.Workflow == k.Workflow && o.Name == k.Name && o.Node == k.Node })
		if newest && (job == "" || job == k.Name || job == k.Job || job == k.Workflow+"/"+k.Name) {
			some = append(some, found{k, row.ID})
		}
	}
	switch {
	case len(some) == 0 && len(names) > 0:
		return nil, usage("#%d kept no container of job %s, but of %s", p.ID, job, strings.Join(names, ", "))
	case len(some) == 0:
		return nil, usage("#%d kept no container that a job could go on in: --keep never, older than three days, five others since, or removed by popsicle gc.\n"+
			"  popsicle rerun %d --failed runs the jobs that failed from their beginning", p.ID, p.ID)
	}
	for _, k := range some[1:] {
		if k.Workflow != some[0].Workflow || k.Name != some[0].Name {
			return nil, usage("#%d kept the containers of %s: name one, popsicle rerun %d %s --from-step …", p.ID, strings.Join(names, ", "), p.ID, some[0].Name)
		}
	}
	return some, nil
}

// planned is a job as the config has it now; nil: it has it no more.
func (l *launch) planned(workflow, job string) *plan.Job {
	for _, w := range l.plan.Workflows {
		for _, j := range w.Jobs {
			if w.Name == workflow && j.Name == job {
				return j
			}
		}
	}
	return nil
}

// stepFrom is the place of the step that is asked for, by its number or name
// in the run that failed.
func stepFrom(k runner.Kept, asked string) (int, error) {
	at := slices.IndexFunc(k.Steps, func(s runner.KeptStep) bool { return asked == fmt.Sprint(s.Number) })
	if at < 0 {
		at = slices.IndexFunc(k.Steps, func(s runner.KeptStep) bool { return asked == s.Name })
	}
	last := slices.IndexFunc(k.Steps, func(s runner.KeptStep) bool { return s.Number == k.FailedAt })
	if at >= 0 && at <= last {
		return at, nil
	}
	if at > last {
		return 0, usage("job %s of #%d failed at step %s, before step %s: --from-step %d", k.Name, k.Pipeline, titleOf(k.Steps[last]), titleOf(k.Steps[at]), k.FailedAt)
	}
	var titles []string
	for _, s := range k.Steps[:last+1] {
		titles = append(titles, titleOf(s))
	}
	hint := ""
	if name := similar(asked, k.Steps[:last+1]); name != "" {
		hint = fmt.Sprintf(" (did you mean %q?)", name)
	}
	return 0, usage("job %s of #%d cannot go on from step %q%s: there are\n  %s", k.Name, k.Pipeline, asked, hint, strings.Join(titles, "\n  "))
}

func titleOf(s runner.KeptStep) string {
	name, _, _ := strings.Cut(s.Name, "\n")
	return strings.TrimSpace(fmt.Sprintf("%d %s", s.Number, name))
}

// similar is the one step whose name holds what was asked for, whatever the
// case; empty where there is none, or more.
func similar(asked string, steps []runner.KeptStep) (name string) {
	for _, s := range steps {
		if strings.Contains(strings.ToLower(s.Name), strings.ToLower(asked)) || strings.EqualFold(s.Name, asked) {
			if name != "" {
				return ""
			}
			name = s.Name
		}
	}
	return name
}

// sameStep is where the config has a step of the run that failed now: at the
// same place, unless it has moved, which its name tells.
func sameStep(k runner.Kept, at int, now *plan.Job) (int, error) {
	was := k.Steps[at]
	if at < len(now.Steps) && now.Steps[at].Name == was.Name {
		return at, nil
	}
	is := func(s plan.Step) bool { return s.Name == was.Name }
	if i := slices.IndexFunc(now.Steps, is); i >= 0 {
		return i, nil
	}
	if at < len(now.Steps) { // its command has changed, and with it the name that it has of it
		return at, nil
	}
	return 0, usage("job %s has no step %s any more: popsicle rerun %d --failed runs it from its beginning", k.Name, titleOf(was), k.Pipeline)
}

// changedBefore names the steps before a step that are not what they were when
// they passed.
func changedBefore(k runner.Kept, at int, now *plan.Job, to int) (names []string) {
	was := map[string]int{}
	for _, s := range k.Steps[:at] {
		was[s.Hash]++
	}
	for _, s := range now.Steps[:to] {
		if h := s.Hash(); was[h] > 0 {
			was[h]--
		} else {
			names = append(names, s.Name)
		}
	}
	for _, s := range k.Steps[:at] {
		if was[s.Hash] > 0 {
			was[s.Hash]--
			if !slices.Contains(names, s.Name) {
				names = append(names, s.Name)
			}
		}
	}
	return names
}
