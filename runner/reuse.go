package runner

import (
	"context"
	"sync"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A Reuse is a JobRunner that takes over the jobs that passed in an earlier
// pipeline, and lets another run the rest. A job that makes the rest of the pipeline
// is always run, and so is one that requires a job which is run: what it is
// given may be new.
type Reuse struct {
	Jobs JobRunner // runs what did not pass
	Mask *Mask     // of the run

	// Passed says whether a job of a workflow passed before, and where.
	Passed func(workflow string, job *plan.Job) (reason string, ok bool)
	// Resumes says whether a node of a job goes on from a step; nil: none does.
	Resumes func(workflow, job string, node int) bool
	// Inherit gives a pipeline what a job left in the workspace of its workflow.
	Inherit func(ctx context.Context, pipeline int64, workflow, job string) error

	mu    sync.Mutex
	taken map[string]map[string]string // by workflow and job: where it passed
}

// Plan tells of workflows before their first job is run.
func (r *Reuse) Plan(workflows []*plan.Workflow) {
	if jobs, ok := r.Jobs.(planned); ok {
		jobs.Plan(workflows)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.taken == nil {
		r.taken = map[string]map[string]string{}
	}
	for _, w := range workflows {
		r.taken[w.Name] = reusable(w.Jobs, func(j *plan.Job) (string, bool) { return r.Passed(w.Name, j) })
	}
}

// RunJob ends a job that passed before at once, and runs any other. One that
// goes on from a step has what its earlier steps left in the workspace.
func (r *Reuse) RunJob(ctx context.Context, at event.At, job *plan.Job) Outcome {
	r.mu.Lock()
	reason, ok := r.taken[at.Workflow][job.Name]
	r.mu.Unlock()
	resumes := r.Resumes != nil && r.Resumes(at.Workflow, job.Name, at.Node)
	if !ok && !resumes {
		return r.Jobs.RunJob(ctx, at, job)
	}
	if err := r.Inherit(ctx, at.Pipeline, at.Workflow, job.Name); err != nil {
		if ctx.Err() != nil {
			return Outcome{Status: event.Canceled}
		}
		return Outcome{Status: event.InfrastructureFail, Reason: r.Mask.String(err.Error())}
	}
	if resumes {
		return r.Jobs.RunJob(ctx, at, job)
	}
	return Outcome{Status: event.Success, Reason: reason}
}

// reusable returns the jobs that need not be run again, with the reason.
func reusable(jobs []*plan.Job, passed func(*plan.Job) (string, bool)) map[string]string {
	byName, taken, seen := map[string]*plan.Job{}, map[string]string{}, map[string]bool{}
	for _, j := range jobs {
		byName[j.Name] = j
	}
	var visit func(*plan.Job) bool
	visit = func(j *plan.Job) bool {
		if seen[j.Name] {
			_, ok := taken[j.Name]
			return ok
		}
		seen[j.Name] = true
		reason, ok := passed(j)
		for _, q := range j.Requires {
			if above := byName[q.Job]; above != nil && !visit(above) { // else it is not part of this run
				ok = false
			}
		}
		if ok = ok && j.Setup == ""; ok {
			taken[j.Name] = reason
		}
		return ok
	}
	for _, j := range jobs {
		visit(j)
	}
	return taken
}
