package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// heldJobs hands every job that starts to the test, which says how it ends.
type heldJobs struct{ started chan heldJob }

type heldJob struct {
	name string
	ctx  context.Context
	end  chan event.Status
}

func (h heldJobs) RunJob(ctx context.Context, at event.At, _ *plan.Job) Outcome {
	j := heldJob{at.Job, ctx, make(chan event.Status)}
	h.started <- j
	return Outcome{Status: <-j.end}
}

// hold runs a pipeline whose jobs the test ends.
func hold(ctx context.Context, o *Orchestrator, workflows ...*plan.Workflow) (started chan heldJob, status chan event.Status) {
	started, status = make(chan heldJob), make(chan event.Status, 1)
	o.Jobs = heldJobs{started}
	if o.Out == nil {
		o.Out = event.NewStream()
	}
	go func() { status <- o.Run(ctx, 1, &plan.Pipeline{Workflows: workflows}) }()
	return started, status
}

// A wave would hold d back until the slow job ended.
func TestOrchestratorStartsByEdge(t *testing.T) {
	started, status := hold(t.Context(), &Orchestrator{Parallel: 9}, flow("w", "a", "slow", "b < a", "c < b", "d < c, a", "last < d, slow"))
	slow := map[string]heldJob{}
	for range 2 {
		j := <-started
		slow[j.name] = j
	}
	slow["a"].end <- event.Success
	for _, name := range []string{"b", "c", "d"} {
		j := <-started
		if j.name != name {
			t.Fatalf("%s started, want %s", j.name, name)
		}
		j.end <- event.Success
	}
	slow["slow"].end <- event.Success
	last := <-started
	last.end <- event.Success
	if s := <-status; last.name != "last" || s != event.Success {
		t.Errorf("%s ran last; the pipeline ended as %s", last.name, s)
	}
}

func TestOrchestratorRunsSoManyAtOnce(t *testing.T) {
	for _, parallel := range []int{-1, 0, 1, 2, 5, 100} {
		t.Run(fmt.Sprint(parallel), func(t *testing.T) {
			const jobs = 12
			started, status := hold(t.Context(), &Orchestrator{Parallel: parallel}, flow("w", strings.Fields("a b c d e f g h i j k l")...))
			var running []heldJob
			most := 0
			for ended := 0; ended < jobs; {
				room := min(max(parallel, 1), jobs-ended)
				for len(running) < room {
					running = append(running, <-started)
				}
				most = max(most, len(running))
				select {
				case j := <-started:
					t.Fatalf("%s started beside %d others", j.name, len(running))
				case running[0].end <- event.Success:
					running = running[1:]
					ended++
				}
			}
			if s := <-status; s != event.Success || most != min(max(parallel, 1), jobs) {
				t.Errorf("ended as %s, at most %d at once", s, most)
			}
		})
	}
}

func TestOrchestratorCanceled(t *testing.T) {
	t.Run("before the first job", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		l := &listener{}
		ran := fakeJobs(func(context.Context, event.At, *plan.Job) Outcome {
			t.Error("a job started")
			return Outcome{Status: event.Success}
		})
		o := &Orchestrator{Jobs: ran, Out: event.NewStream(l), Parallel: 2}
		if s := o.Run(ctx, 1, &plan.Pipeline{Workflows: []*plan.Workflow{flow("w", "a", "b < a")}}); s != event.Canceled {
			t.Errorf("ended as %s", s)
		}
		if got, want := told(l.events), "queued w/a 1\nqueued w/b 2\nw/a canceled\nw/b canceled\nw canceled\n"; got != want {
			t.Errorf("got\n%s", got)
		}
	})
	t.Run("between two jobs that pass", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := &listener{hear: func(e event.Event) {
			if f, ok := e.(event.JobFinished); ok && f.Job == "a" {
				cancel()
			}
		}}
		o := &Orchestrator{Jobs: ending(nil), Out: event.NewStream(l), Parallel: 2}
		if s := o.Run(ctx, 1, &plan.Pipeline{Workflows: []*plan.Workflow{flow("w", "a", "b < a")}}); s != event.Canceled {
			t.Errorf("ended as %s", s)
		}
		if got, want := told(l.events), "queued w/a 1\nqueued w/b 2\nw/a success\nw/b canceled\nw canceled\n"; got != want {
			t.Errorf("got\n%s", got)
		}
	})
	t.Run("after the last job passed", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := &listener{hear: func(e event.Event) {
			if e.Type() == "workflow_finished" {
				cancel()
			}
		}}
		o := &Orchestrator{Jobs: ending(nil), Out: event.NewStream(l), Parallel: 2}
		if s := o.Run(ctx, 1, &plan.Pipeline{Workflows: []*plan.Workflow{flow("w", "a")}}); s != event.Canceled {
			t.Errorf("ended as %s", s)
		}
	})
	t.Run("while jobs run", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := &listener{}
		started, status := hold(ctx, &Orchestrator{Parallel: 2, Out: event.NewStream(l)}, flow("w", "a", "b", "c", "d < a"))
		a, b := <-started, <-started
		cancel()
		<-a.ctx.Done()
		a.end <- event.Success // it passed nevertheless
		b.end <- event.Canceled
		if s := <-status; s != event.Canceled {
			t.Errorf("ended as %s", s)
		}
		for _, want := range []string{"w/c canceled\n", "w/d canceled\n", "w canceled\n"} {
			if !strings.Contains(told(l.events), want) {
				t.Errorf("not told: %s in\n%s", want, told(l.events))
			}
		}
	})
}

func TestOrchestratorFailFastCancelsWhatRuns(t *testing.T) {
	started, status := hold(t.Context(), &Orchestrator{Parallel: 2, FailFast: true}, flow("w", "a", "b", "c"))
	jobs := []heldJob{<-started, <-started}
	slices.SortFunc(jobs, func(x, y heldJob) int { return strings.Compare(x.name, y.name) })
	jobs[0].end <- event.Failed
	<-jobs[1].ctx.Done() // hangs if the failure did not reach it
	jobs[1].end <- event.Canceled
	if s := <-status; s != event.Failed {
		t.Errorf("ended as %s", s)
	}
}
