package term

import (
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A job is the state of one job of a run.
type job struct {
	id             int
	name, workflow string
	queued         event.JobQueued
	status         event.Status
	reason, repro  string
	kept           bool   // the container of one of its nodes is
	note           string // the newest message while no step runs: the progress of a pull
	runner         string // the engine that a node last started on, where there are several
	started, ended time.Time
	steps          []*step           // of all nodes, in the order they started
	starts         map[int]time.Time // of the nodes
	closed         int               // nodes that have ended
	worst          event.Status      // of those
	results        results           // what its steps kept
	again          bool              // it was run again, as another job
}

// A step is the state of one step of one node of a job.
type step struct {
	node, number   int
	name, kind     string
	file           string
	line           int
	background     bool
	status         event.Status
	exitCode       int
	hasExit        bool
	reason         string
	started, ended time.Time
	tail           tail
}

// apply takes one event of the job into its state.
func (j *job) apply(e event.Event) {
	switch e := e.(type) {
	case event.JobQueued:
		j.queued, j.status = e, event.Queued
	case event.JobStarted:
		j.start(e)
	case event.JobHeld:
		j.status, j.started = event.OnHold, e.Time
	case event.StepStarted:
		j.note = ""
		j.steps = append(j.steps, newStep(e))
	case event.StepFinished:
		if s := j.step(e.At); s != nil {
			s.finish(e)
		}
	case event.ArtifactsStored:
		j.results.keep(e)
	case event.TestsStored:
		j.results.count(e)
	case event.JobFinished:
		j.finish(e)
	case event.Message:
		if e.Level == event.Info {
			j.note = clean(e.Text)
		}
	}
}

func newStep(e event.StepStarted) *step {
	return &step{
		node: e.Node, number: e.Step, name: clean(e.Name), kind: e.Kind, file: clean(e.File), line: e.Line,
		background: e.Background, status: event.Running, started: e.Time,
	}
}

func (s *step) finish(e event.StepFinished) {
	s.status, s.exitCode, s.hasExit, s.reason, s.ended = e.Status, e.ExitCode, e.HasExit, clean(e.Reason), e.Time
	if s.status.Passed() {
		s.tail = tail{} // what went well is not quoted
	}
}

// start notes that a node has started, and with the first of them the job.
func (j *job) start(e event.JobStarted) {
	j.status, j.runner = event.Running, clean(e.Runner)
	if j.starts == nil {
		j.started, j.starts = e.Time, map[int]time.Time{}
	}
	j.starts[e.Node] = e.Time
}

// finish notes that a node has ended, and with the last of them the job.
func (j *job) finish(e event.JobFinished) {
	j.settle(e)
	j.kept = j.kept || e.Kept
	if j.closed++; j.closed == 1 || event.Worse(j.worst, e.Status) != j.worst {
		j.worst, j.reason, j.repro = e.Status, clean(e.Reason), e.Repro
	}
	if j.closed >= j.nodes() {
		j.status, j.ended = j.worst, e.Time
	}
}

// settle gives the steps that never told their end the end of their node. One
// in the background is only stopped by it: it is not why a job failed.
func (j *job) settle(e event.JobFinished) {
	for _, s := range j.steps {
		if s.status.Ended() || s.node != e.Node {
			continue
		}
		s.status, s.ended = e.Status, e.Time
		if s.background && e.Status != event.Success {
			s.status = event.Canceled
		}
	}
}

// step is the newest step at a place, or nil.
func (j *job) step(at event.At) *step {
	for i := len(j.steps) - 1; i >= 0; i-- {
		if s := j.steps[i]; s.number == at.Step && s.node == at.Node {
			return s
		}
	}
	return nil
}

// write keeps output for when the last lines are shown.
func (j *job) write(e event.Output) {
	if s := j.step(e.At); s != nil {
		s.tail.write(e.Text)
	}
}

// current is the step that runs now, or nil. A step in the foreground says
// more than one in the background, an earlier node as much as a later one.
func (j *job) current() *step {
	var found *step
	for _, s := range j.steps {
		if s.status == event.Running && (found == nil || found.background || !s.background && s.node <= found.node) {
			found = s
		}
	}
	return found
}

// culprits are the steps that made the job fail.
func (j *job) culprits() []*step {
	var bad []*step
	for _, s := range j.steps {
		switch s.status {
		case event.Failed, event.TimedOut, event.InfrastructureFail:
			bad = append(bad, s)
		}
	}
	return bad
}

// badNodes counts the nodes that have a step which failed.
func (j *job) badNodes() int {
	bad := map[int]bool{}
	for _, s := range j.culprits() {
		bad[s.node] = true
	}
	return len(bad)
}

// nodes is the number of containers of the job, as far as is known.
func (j *job) nodes() int {
	n := max(1, j.queued.Nodes)
	for _, s := range j.steps {
		n = max(n, s.node+1)
	}
	return n
}

// took is how long the job ran: to its end, or until now.
func (j *job) took(now time.Time) time.Duration { return span(j.started, j.ended, now) }

// took is how long the step ran: to its end, or until now.
func (s *step) took(now time.Time) time.Duration { return span(s.started, s.ended, now) }

// span is the time from start to end, to now where end is not yet, and 0
// where start never was.
func span(start, end, now time.Time) time.Duration {
	switch {
	case start.IsZero():
		return 0
	case end.IsZero():
		return now.Sub(start)
	}
	return end.Sub(start)
}
