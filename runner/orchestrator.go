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

// A JobRunner that is told of the workflows knows what a job has upstream.
type planned interface {
	Plan(workflows []*plan.Workflow)
}

// An Orchestrator starts each job of a pipeline the moment its own
// requirements are met, at most Parallel containers at a time: a job that
// runs on several nodes takes a place for each.
type Orchestrator struct {
	Jobs     JobRunner
	Out      *event.Stream
	Parallel int  // containers at once, at least 1
	FailFast bool // the first failure cancels what runs and what waits

	// EnvNames names the variables that a job gets besides its own. nil: none.
	EnvNames func(*plan.Job) []string

	// Take waits for the turn of a job in its serial group, see SerialGroups.
	// nil: nothing takes turns.
	Take func(ctx context.Context, at event.At, group string) (giveBack func(), err error)

	// Continue is asked what goes on, and how that went, when a workflow has
	// passed whose jobs may continue the pipeline. nil: nothing ever does.
	Continue func(ctx context.Context, w *plan.Workflow) ([]*plan.Workflow, event.Status)
}

// A progress is a pipeline on its way. Only the loop in Run touches it.
type progress struct {
	*Orchestrator
	ctx       context.Context // of the jobs: ends with the run, or at the first failure
	stop      func()          // ends it
	pipeline  int64
	workflows []*workflow
	jobs      int          // of all workflows so far
	continued event.Status // the worst of what Continue told
	queue     []ready      // nodes that may start, in the order their jobs became ready
	places    int          // how many are taken
	running   int          // goroutines that have news to tell: of nodes, also those that take no place, and of jobs that wait for their turn
	news      chan func()  // what the loop does next
}

type workflow struct {
	plan     *plan.Workflow
	graph    *graph
	attempts []attempt
	nodes    []nodes
	ends     []event.Status // of the jobs that have ended
	left     int            // jobs that have not
	status   event.Status   // the worst so far
	reruns   int            // how often it was begun again
	turns    map[int]func() // by job: gives back the serial group that it holds
}

// begin makes all jobs ones that have not started.
func (w *workflow) begin() {
	w.graph, w.nodes, w.left, w.status = newGraph(w.plan.Jobs), nil, len(w.plan.Jobs), event.Success
	w.ends = make([]event.Status, w.left)
	for _, j := range w.plan.Jobs {
		w.nodes = append(w.nodes, newNodes(j))
	}
}

type ready struct {
	w         *workflow
	job, node int
}

func (r ready) plan() *plan.Job { return r.w.plan.Jobs[r.job] }

// Run runs a pipeline to its end, which ctx can bring about early, and
// returns its status. It says everything from the queueing of the jobs to the
// end of the workflows.
func (o *Orchestrator) Run(ctx context.Context, pipeline int64, p *plan.Pipeline) event.Status {
	jobs, stop := context.WithCancel(ctx)
	defer stop()
	g := &progress{Orchestrator: o, ctx: jobs, stop: stop, pipeline: pipeline, continued: event.Success, news: make(chan func())}
	g.enqueue(p.Workflows)
	for g.start(); g.running > 0; g.start() {
		(<-g.news)() // a cancel reaches the jobs, and comes back as their end
	}
	status := g.close()
	if ctx.Err() != nil {
		return event.Canceled // even if the signal came between two jobs that passed
	}
	return status
}

// enqueue announces every job of workflows before the first of them starts.
func (g *progress) enqueue(workflows []*plan.Workflow) {
	if jobs, ok := g.Jobs.(planned); ok {
		jobs.Plan(workflows)
	}
	first := len(g.workflows)
	for _, w := range workflows {
		wf := &workflow{plan: w, turns: map[int]func(){}}
		wf.begin()
		g.workflows = append(g.workflows, wf)
		for i, j := range w.Jobs {
			g.jobs++
			wf.attempts = append(wf.attempts, attempt{id: g.jobs, name: j.Name})
			g.announce(wf, i)
		}
	}
	for _, wf := range g.workflows[first:] {
		g.offer(wf)
	}
}

// announce says that a job will run.
func (g *progress) announce(w *workflow, job int) {
	j := w.plan.Jobs[job]
	e := queued(g.at(ready{w, job, 0}), j, g.names(j))
	e.RerunOf = w.attempts[job].rerunOf
	for i, name := range e.Requires {
		e.Requires[i] = w.called(name)
	}
	g.Out.Emit(e)
}

func queued(at event.At, j *plan.Job, env []string) event.JobQueued {
	e := event.JobQueued{At: at, Kind: string(j.Kind), Steps: len(j.Steps), Nodes: nodesOf(j), PlanHash: j.Hash(), EnvNames: env}
	if len(j.Images) > 0 {
		e.Image = j.Images[0].Name
	} else if j.Machine != "" {
		e.Image = "machine " + j.Machine
	}
	for _, r := range j.Requires {
		e.Requires = append(e.Requires, r.Job)
	}
	for _, v := range j.Env {
		e.EnvNames = append(e.EnvNames, v.Name)
	}
	return e
}

func (g *progress) names(j *plan.Job) []string {
	if g.EnvNames == nil {
		return nil
	}
	return g.EnvNames(j)
}

func (g *progress) at(r ready) event.At {
	return event.At{Pipeline: g.pipeline, Workflow: r.w.plan.Name, Job: r.w.attempts[r.job].name, JobID: r.w.attempts[r.job].id, Node: r.node}
}

// offer queues the jobs of a workflow that may start now.
func (g *progress) offer(w *workflow) {
	for _, i := range w.graph.next() {
		if g.Take != nil && takesTurn(w.plan.Jobs[i]) {
			g.wait(w, i)
		} else {
			g.ready(w, i)
		}
	}
}

// ready queues all nodes of a job.
func (g *progress) ready(w *workflow, job int) {
	for node := range w.nodes[job].open {
		g.queue = append(g.queue, ready{w, job, node})
	}
}

// start starts what waits in the queue while there is room for it.
func (g *progress) start() {
	if g.ctx.Err() != nil {
		return
	}
	g.queue = slices.DeleteFunc(g.queue, func(r ready) bool {
		if places(r.plan()) == 0 || g.places < max(1, g.Parallel) {
			g.launch(r)
			return true
		}
		return false
	})
}

func (g *progress) launch(r ready) {
	g.running++
	g.places += places(r.plan())
	at := g.at(r)
	go func() {
		o := g.Jobs.RunJob(g.ctx, at, r.plan())
		g.news <- func() {
			g.leave(r)
			g.finish(r, o)
		}
	}()
}

func (g *progress) leave(r ready) {
	g.running--
	g.places -= places(r.plan())
}

// places is how many containers a node of a job needs.
func places(j *plan.Job) int {
	switch j.Kind {
	case plan.Approval, plan.NoOp, plan.Lock, plan.Unlock:
		return 0
	}
	return 1
}

// finish closes a node of a job. With the last, it closes the job, and those
// that can never start.
func (g *progress) finish(r ready, o Outcome) {
	w, at := r.w, g.at(r)
	g.Out.Emit(event.JobFinished{At: at, Status: o.Status, Reason: o.Reason, Repro: o.Repro, Kept: o.Kept})
	if g.FailFast && !o.Status.Passed() {
		g.stop()
	}
	status, whole := w.nodes[r.job].finish(r.node, o.Status)
	if !whole {
		return
	}
	w.giveBack(r.job)
	w.left--
	w.ends[r.job], w.status = status, event.Worse(w.status, status)
	if w.left == 0 {
		g.conclude(w)
		return
	}
	if g.ctx.Err() != nil {
		return // what waits is canceled, not without hope
	}
	for _, h := range w.graph.finish(r.job, at.Job, status) {
		g.drop(w, h.job, Outcome{Status: event.NotRun, Reason: h.reason})
	}
	g.offer(w)
}

// drop closes the nodes of a job that have not ended.
func (g *progress) drop(w *workflow, job int, o Outcome) {
	for node, open := range w.nodes[job].open {
		if open {
			g.finish(ready{w, job, node}, o)
		}
	}
}

// conclude ends a workflow whose jobs have ended, unless it is run again.
func (g *progress) conclude(w *workflow) {
	w.giveAllBack()
	if g.rerun(w) {
		return
	}
	g.Out.Emit(event.WorkflowFinished{At: event.At{Pipeline: g.pipeline, Workflow: w.plan.Name}, Status: w.status})
	g.goOn(w)
}

// goOn runs what a setup workflow has made, in the same pipeline.
func (g *progress) goOn(w *workflow) {
	if g.Continue == nil || w.plan.Setup == "" || w.status != event.Success || g.ctx.Err() != nil {
		return
	}
	more, status := g.Continue(g.ctx, w.plan)
	g.continued = event.Worse(g.continued, status)
	g.enqueue(more)
}

// close cancels what never started, and returns the status of the whole.
func (g *progress) close() event.Status {
	status := g.continued
	for _, w := range g.workflows {
		for i := range w.nodes {
			g.drop(w, i, Outcome{Status: event.Canceled})
		}
		status = event.Worse(status, w.status)
	}
	return status
}
