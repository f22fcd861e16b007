package ghstatus

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A Reporter is a Sink that makes commit statuses of a run: pending at the
// start, and how it ended. It says nothing before the tree that is tested is
// known to be exactly the commit's, and nothing at all where it is not.
type Reporter struct {
	Target Target
	Prefix string                      // of contexts; empty: "popsicle"
	Ended  bool                        // the run is over: nothing is pending any more
	PerJob bool                        // a status a job, instead of one a workflow
	Again  func() bool                 // says that what is canceled now runs again later; nil: it does not
	URL    func(pipeline int64) string // page of a run; nil: there is none
	Put    func(Status) error          // takes each status, in order

	mu        sync.Mutex
	pipeline  int64
	started   time.Time
	committed bool // what is tested cannot change while it is read
	proven    bool
	refused   bool
	order     []string
	workflows map[string]*workflow
	held      []Status // until the tree is known not to have changed
	err       error    // of Put
}

// A workflow is what is known of one.
type workflow struct {
	jobs   map[int]*job
	ended  bool
	status event.Status // how
}

type job struct {
	name    string
	status  event.Status
	waits   bool   // for somebody to approve it
	step    string // the one that runs, or failed
	exit    string // " (exit 1)"
	arch    string
	started time.Time
}

// Handle takes an event in. Its error is that of Put; whether statuses can be
// posted is the sender's to tell.
func (r *Reporter) Handle(e event.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := e.Where()
	switch e := e.(type) {
	case event.PipelineStarted:
		r.pipeline, r.started, r.committed = at.Pipeline, at.Time, e.Source == "commit"
		r.workflows = map[string]*workflow{}
	case event.TreeRead:
		r.tree(e)
	case event.JobQueued:
		r.queued(at)
		r.again(at, e.RerunOf)
	case event.JobHeld:
		r.job(at).waits = true
		r.goOn(at)
	case event.JobStarted:
		r.job(at).started = at.Time
	case event.JobReady:
		r.job(at).arch = e.Arch
	case event.StepStarted:
		if j := r.job(at); !j.status.Ended() && j.exit == "" {
			j.step = e.Name
		}
	case event.StepFinished:
		r.step(at, e)
	case event.JobFinished:
		r.finished(at, e)
	case event.WorkflowFinished:
		r.ended(at, e.Status)
	case event.PipelineFinished:
		r.sayWhole(e)
		r.flush()
	}
	err := r.err
	r.err = nil
	return err
}

// Pipeline is the run that is told of.
func (r *Reporter) Pipeline() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pipeline
}

// Proven says whether the tree that was tested is the commit's.
func (r *Reporter) Proven() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.proven && !r.refused
}

// tree decides whether there is anything to say about the commit.
func (r *Reporter) tree(e event.TreeRead) {
	if !e.Equal || e.Unstable {
		r.refused, r.held = true, nil
		return
	}
	if !r.proven {
		r.proven = true
		for _, name := range r.order {
			r.begin(name)
		}
	}
}

// begin says that a workflow, or each of its jobs, has begun.
func (r *Reporter) begin(name string) {
	w := r.workflows[name]
	if w.ended {
		return
	}
	if !r.PerJob {
		r.say(r.context(name, ""), Pending, w.pending())
		return
	}
	for _, id := range slices.Sorted(maps.Keys(w.jobs)) {
		r.say(r.context(name, w.jobs[id].name), Pending, w.jobs[id].pending())
	}
}

// goOn says what a job of a workflow waits for now, where that has changed.
func (r *Reporter) goOn(at event.At) {
	if !r.proven {
		return // begin will tell
	}
	if w := r.workflows[at.Workflow]; r.PerJob {
		r.say(r.context(at.Workflow, at.Job), Pending, r.job(at).pending())
	} else if !w.ended {
		r.say(r.context(at.Workflow, ""), Pending, w.pending())
	}
}

func (r *Reporter) context(workflow, job string) string {
	context := r.Whole() + "/" + workflow
	if job != "" {
		context += "/" + job
	}
	return context
}

// queued notes a job. Workflows that come later, of a continued pipeline,
// begin when their first job is known.
func (r *Reporter) queued(at event.At) {
	if r.workflows[at.Workflow] == nil {
		r.workflows[at.Workflow] = &workflow{jobs: map[int]*job{}}
		r.order = append(r.order, at.Workflow)
		if r.proven {
			defer r.begin(at.Workflow)
		}
	}
	r.job(at)
}

// again puts a job in the place of the one that it runs again, if it does.
func (r *Reporter) again(at event.At, failed int) {
	w := r.workflows[at.Workflow]
	if before := w.jobs[failed]; before != nil {
		delete(w.jobs, failed)
		w.jobs[at.JobID].name = before.name
	}
}

func (r *Reporter) job(at event.At) *job {
	w := r.workflows[at.Workflow]
	if w == nil {
		w = &workflow{jobs: map[int]*job{}}
		r.workflows[at.Workflow] = w
	}
	if w.jobs[at.JobID] == nil {
		w.jobs[at.JobID] = &job{name: at.Job}
	}
	return w.jobs[at.JobID]
}

// step notes the first step that failed.
func (r *Reporter) step(at event.At, e event.StepFinished) {
	j := r.job(at)
	if j.exit != "" || e.Status != event.Failed && e.Status != event.TimedOut {
		return
	}
	switch j.exit = " (" + string(e.Status) + ")"; {
	case e.Status == event.TimedOut:
		j.exit = " (timed out)"
	case e.HasExit:
		j.exit = fmt.Sprintf(" (exit %d)", e.ExitCode)
	}
}

func (r *Reporter) finished(at event.At, e event.JobFinished) {
	j := r.job(at)
	j.status = event.Worse(cmp.Or(j.status, event.Success), e.Status)
	if e.Status == event.NotRun && j.status == event.Success {
		j.status = event.NotRun
	}
	waited := j.waits
	j.waits = false
	if r.PerJob {
		state, text := j.verdict()
		r.over(r.context(at.Workflow, j.name), j.status, state, text+r.took(at.Time, j.started, j.arch))
	} else if waited && e.Status == event.Success {
		r.goOn(at)
	}
}

// ended says how a workflow ended.
func (r *Reporter) ended(at event.At, status event.Status) {
	w := r.workflows[at.Workflow]
	if w == nil {
		return
	}
	w.ended, w.status = true, status
	if !r.PerJob {
		state, text, arch := w.verdict(status)
		r.over(r.context(at.Workflow, ""), status, state, text+r.took(at.Time, r.started, arch))
	}
}

// over says how something ended, or that it has not, where it runs again.
func (r *Reporter) over(context string, status event.Status, state State, text string) {
	if status == event.Canceled && r.Again != nil && r.Again() {
		state, text = Pending, "interrupted: it runs again"
	}
	r.say(context, state, text)
}

// took tells how long something took, and where.
func (r *Reporter) took(now, since time.Time, arch string) string {
	text := ""
	if !since.IsZero() {
		text = " in " + now.Sub(since).Round(time.Second).String()
	}
	if arch != "" {
		text += " on " + arch
	}
	return text
}

// say makes a status, or keeps it until it is known to be true: a working
// tree may change under the run until its end.
func (r *Reporter) say(context string, state State, text string) {
	if r.refused || r.Ended && state == Pending {
		return
	}
	s := Status{Target: r.Target, Context: context, State: state, Description: shorten(text), Pipeline: r.pipeline}
	if r.URL != nil {
		s.TargetURL = r.URL(r.pipeline)
	}
	if r.proven && (r.committed || state == Pending) {
		r.err = errors.Join(r.err, r.Put(s))
		return
	}
	r.held = append(r.held, s)
}

// flush says what was held back, now that the run is over.
func (r *Reporter) flush() {
	if r.proven && !r.refused {
		for _, s := range r.held {
			r.err = errors.Join(r.err, r.Put(s))
		}
	}
	r.held = nil
}
