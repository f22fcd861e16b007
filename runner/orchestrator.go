package runner

import (
	"context"
	"slices"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A JobRunner runs one job to its end: a Runner, or a test's stand-in.
type JobRunner interface {
	RunJob(ctx context.Context, at event.At, job *plan.Job) Outcome
}

// An Orchestrator starts each job of a pipeline the moment its own
// requirements are met, at most Parallel at a time.
type Orchestrator struct {
	Jobs     JobRunner
	Out      *event.Stream
	Parallel int      // at least 1
	FailFast bool     // the first failure cancels what runs and what waits
	EnvNames []string // of the variables that every job gets besides its own
}

// A progress is a pipeline on its way. Only the loop in Run touches it.
type progress struct {
	*Orchestrator
	ctx       context.Context // of the jobs: ends with the run, or at the first failure
	pipeline  int64
	workflows []*workflow
	queue     []ready // jobs that may start, in the order they became ready
	running   int
	ended     chan end
}

type workflow struct {
	plan   *plan.Workflow
	graph  *graph
	first  int    // JobID of its first job
	done   []bool // by job
	left   int
	status event.Status // the worst so far
}

type ready struct {
	w   *workflow
	job int
}

type end struct {
	ready
	outcome Outcome
}

// Run runs a pipeline to its end, which ctx can bring about early, and
// returns its status. It says everything from the queueing of the jobs to the
// end of the workflows.
func (o *Orchestrator) Run(ctx context.Context, pipeline int64, p *plan.Pipeline) event.Status {
	jobs, stop := context.WithCancel(ctx)
	defer stop()
	g := &progress{Orchestrator: o, ctx: jobs, pipeline: pipeline, ended: make(chan end)}
	g.enqueue(p)
	for g.start(); g.running > 0; g.start() {
		e := <-g.ended // a cancel reaches the jobs, and comes back as their end
		g.running--
		g.finish(e.ready, e.outcome)
		if o.FailFast && !e.outcome.Status.Passed() {
			stop()
		}
	}
	status := g.close()
	if ctx.Err() != nil {
		return event.Canceled // even if the signal came between two jobs that passed
	}
	return status
}

// enqueue announces every job, before the first starts.
func (g *progress) enqueue(p *plan.Pipeline) {
	id := 1
	for _, w := range p.Workflows {
		wf := &workflow{plan: w, graph: newGraph(w.Jobs), first: id, left: len(w.Jobs), done: make([]bool, len(w.Jobs)), status: event.Success}
		g.workflows = append(g.workflows, wf)
		for i, j := range w.Jobs {
			g.Out.Emit(queued(g.at(ready{wf, i}), j, g.EnvNames))
			id++
		}
	}
	for _, wf := range g.workflows {
		g.offer(wf)
	}
}

func queued(at event.At, j *plan.Job, env []string) event.JobQueued {
	e := event.JobQueued{At: at, Kind: string(j.Kind), Steps: len(j.Steps), Nodes: 1, PlanHash: j.Hash(), EnvNames: slices.Clone(env)}
	if len(j.Images) > 0 {
		e.Image = j.Images[0].Name
	}
	for _, r := range j.Requires {
		e.Requires = append(e.Requires, r.Job)
	}
	for _, v := range j.Env {
		e.EnvNames = append(e.EnvNames, v.Name)
	}
	return e
}

func (g *progress) at(r ready) event.At {
	return event.At{Pipeline: g.pipeline, Workflow: r.w.plan.Name, Job: r.w.plan.Jobs[r.job].Name, JobID: r.w.first + r.job}
}

// offer queues the jobs of a workflow that may start now.
func (g *progress) offer(w *workflow) {
	for _, i := range w.graph.next() {
		g.queue = append(g.queue, ready{w, i})
	}
}

// start starts jobs while there is room for them.
func (g *progress) start() {
	for len(g.queue) > 0 && g.running < max(1, g.Parallel) && g.ctx.Err() == nil {
		r := g.queue[0]
		g.queue = g.queue[1:]
		g.running++
		at := g.at(r)
		go func() { g.ended <- end{r, g.Jobs.RunJob(g.ctx, at, r.w.plan.Jobs[r.job])} }()
	}
}

// finish closes a job, and with it those that can never start.
func (g *progress) finish(r ready, o Outcome) {
	w, at := r.w, g.at(r)
	g.Out.Emit(event.JobFinished{At: at, Status: o.Status, Reason: o.Reason, Repro: o.Repro})
	w.done[r.job] = true
	w.left--
	w.status = worse(w.status, o.Status)
	if w.left == 0 {
		g.Out.Emit(event.WorkflowFinished{At: event.At{Pipeline: g.pipeline, Workflow: w.plan.Name}, Status: w.status})
		return
	}
	if g.ctx.Err() != nil {
		return // what waits is canceled, not without hope
	}
	for _, h := range w.graph.finish(r.job, at.Job, o.Status) {
		g.finish(ready{w, h.job}, Outcome{Status: event.NotRun, Reason: h.reason})
	}
	g.offer(w)
}

// close cancels what never started, and returns the status of the whole.
func (g *progress) close() event.Status {
	status := event.Success
	for _, w := range g.workflows {
		for i, done := range w.done {
			if !done {
				g.finish(ready{w, i}, Outcome{Status: event.Canceled})
			}
		}
		status = worse(status, w.status)
	}
	return status
}

// worse returns the status that decides about the whole. A job that did not
// run does not fail its workflow.
func worse(a, b event.Status) event.Status {
	weight := map[event.Status]int{event.Canceled: 1, event.TimedOut: 2, event.Failed: 2, event.InfrastructureFail: 3}
	if weight[b] > weight[a] {
		return b
	}
	return a
}
