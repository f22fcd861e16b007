package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// An again is the pipeline that a run runs again.
type again struct {
	of     db.Pipeline
	failed bool // jobs that passed in it are taken over
	keeper keeper
	resume *resumption // of a job that failed in it; nil: none

	tree *gitops.Tree
}

// compare reads what is tested, which tells whether it is what was.
func (a *again) compare(ctx context.Context, c *runner.Checkout) (err error) {
	a.tree, err = c.Tree(ctx)
	return err
}

// same says whether the tree is surely the one that was tested.
func (a *again) same() bool {
	return a.tree.Hash == a.of.Tree && !a.of.Unstable && len(a.tree.Unstable()) == 0
}

// partial says whether the run proves nothing about the whole pipeline.
func (l *launch) partial() bool {
	if l.again == nil || !l.again.failed {
		return len(l.selection.Jobs) > 0
	}
	return len(l.selection.Jobs) > 0 || l.again.resume != nil || l.again.of.Partial || !l.again.same()
}

// tell says what has changed since.
func (a *again) tell(out *event.Stream, id int64) {
	if a == nil {
		return
	}
	at := event.At{Pipeline: id}
	text, level := fmt.Sprintf("runs #%d again", a.of.ID), event.Info
	switch {
	case a.resume != nil:
		text += fmt.Sprintf(", without the jobs that passed in it; job %s goes on in its kept container, from step %s", a.resume.job, a.resume.step)
	case a.failed:
		text += ", without the jobs that passed in it"
	}
	switch {
	case a.of.Tree == "" || a.same():
	case a.failed:
		level = event.Warning
		text += fmt.Sprintf(". The files are not those of #%d: what is taken over passed on tree %.12s, this is %.12s", a.of.ID, a.of.Tree, a.tree.Hash)
	default:
		text += fmt.Sprintf(", on other files: tree %.12s, it was %.12s", a.tree.Hash, a.of.Tree)
	}
	out.Emit(event.Message{At: at, Level: level, Text: text})
	if a.resume != nil && len(a.resume.changed) > 0 {
		out.Emit(event.Message{At: at, Level: event.Warning, Text: fmt.Sprintf(
			"the config says other than in #%d of steps before that one: %s; they are taken over as they passed then", a.of.ID, strings.Join(a.resume.changed, ", "))})
	}
}

// reuse puts what passed before in front of those who run jobs.
func (a *again) reuse(jobs runner.JobRunner, mask *runner.Mask) runner.JobRunner {
	return &runner.Reuse{Jobs: jobs, Mask: mask, Passed: a.passed, Resumes: a.resume.goesOn, Inherit: func(ctx context.Context, pipeline int64, workflow, job string) error {
		return a.keeper.InheritLayers(ctx, a.of.ID, pipeline, workflow, job)
	}}
}

// passed says how a job passed in the earlier pipeline, doing the same on as
// many nodes, with all it left in the workspace still there.
func (a *again) passed(workflow string, job *plan.Job) (reason string, ok bool) {
	ctx := context.Background()
	all, err := a.keeper.Jobs(ctx, a.of.ID)
	if err != nil {
		return "", false // it is run, which needs no memory
	}
	nodes := 0
	for _, j := range all {
		if j.Workflow != workflow || j.Name != job.Name {
			continue
		}
		if j.Status != event.Success || j.PlanHash != job.Hash() {
			return "", false
		}
		nodes++
		reason = fmt.Sprintf("passed in #%d", a.of.ID)
		if strings.HasPrefix(j.Reason, "passed in #") { // itself taken over
			reason = j.Reason
		}
	}
	return reason, nodes == max(1, job.Parallelism) && a.complete(ctx, workflow, job, nodes)
}

// complete says whether every layer that a job surely left is still kept.
func (a *again) complete(ctx context.Context, workflow string, job *plan.Job, nodes int) bool {
	want := 0
	for _, s := range job.Steps {
		if _, ok := s.Do.(plan.PersistToWorkspace); ok && s.When != plan.OnFail {
			want += nodes
		}
	}
	if want == 0 {
		return true
	}
	layers, err := a.keeper.Layers(ctx, a.of.ID, workflow)
	layers = slices.DeleteFunc(layers, func(l runner.Layer) bool { return l.Job != job.Name })
	return err == nil && len(layers) >= want
}
