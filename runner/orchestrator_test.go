package runner

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A listener keeps what it hears.
type listener struct {
	mu     sync.Mutex
	events []event.Event
	hear   func(event.Event) // also told, of each
}

func (l *listener) Handle(e event.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
	if l.hear != nil {
		l.hear(e)
	}
	return nil
}

// fakeJobs runs a job by a function.
type fakeJobs func(ctx context.Context, at event.At, job *plan.Job) Outcome

func (f fakeJobs) RunJob(ctx context.Context, at event.At, job *plan.Job) Outcome {
	return f(ctx, at, job)
}

// ending is a fakeJobs whose jobs end at once, by name; success is the default.
func ending(statuses map[string]event.Status) fakeJobs {
	return func(_ context.Context, at event.At, _ *plan.Job) Outcome {
		if s := statuses[at.Job]; s != "" {
			return Outcome{Status: s}
		}
		return Outcome{Status: event.Success}
	}
}

func flow(name string, lines ...string) *plan.Workflow {
	return &plan.Workflow{Name: name, Jobs: jobsOf(lines...)}
}

// told is the events of the orchestrator in short.
func told(events []event.Event) string {
	var b strings.Builder
	for _, e := range events {
		switch e := e.(type) {
		case event.JobQueued:
			fmt.Fprintf(&b, "queued %s/%s %d\n", e.Workflow, e.Job, e.JobID)
		case event.JobFinished:
			fmt.Fprintf(&b, "%s/%s %s", e.Workflow, e.Job, e.Status)
			if e.Reason != "" {
				fmt.Fprintf(&b, " (%s)", e.Reason)
			}
			b.WriteString("\n")
		case event.WorkflowFinished:
			fmt.Fprintf(&b, "%s %s\n", e.Workflow, e.Status)
		case event.Message:
			fmt.Fprintf(&b, "- %s\n", e.Text)
		}
	}
	return b.String()
}

func TestOrchestrator(t *testing.T) {
	tests := []struct {
		name      string
		workflows []*plan.Workflow
		ends      map[string]event.Status
		failFast  bool
		want      event.Status
		events    string
	}{
		{
			name: "nothing to do", want: event.Success,
		},
		{
			name: "a chain", workflows: []*plan.Workflow{flow("w", "a", "b < a")}, want: event.Success,
			events: "queued w/a 1\nqueued w/b 2\nw/a success\nw/b success\nw success\n",
		},
		{
			name:      "jobs are numbered through, and announced before the first ends",
			workflows: []*plan.Workflow{flow("w", "a", "b < a"), flow("v", "c < b", "b")}, want: event.Success,
			events: "queued w/a 1\nqueued w/b 2\nqueued v/c 3\nqueued v/b 4\nw/a success\nv/b success\nw/b success\nw success\nv/c success\nv success\n",
		},
		{
			name:      "what requires a failure's success is not run, and what requires that neither",
			workflows: []*plan.Workflow{flow("w", "a", "b < a", "c < b", "d < a:failed")},
			ends:      map[string]event.Status{"a": event.Failed}, want: event.Failed,
			events: "queued w/a 1\nqueued w/b 2\nqueued w/c 3\nqueued w/d 4\n" +
				"w/a failed\nw/b not_run (requires a, which ended as failed)\nw/c not_run (requires b, which ended as not_run)\n" +
				"w/d success\nw failed\n",
		},
		{
			name:      "one workflow's failure is not another's, but the pipeline's",
			workflows: []*plan.Workflow{flow("w", "a"), flow("v", "b")},
			ends:      map[string]event.Status{"a": event.Failed}, want: event.Failed,
			events: "queued w/a 1\nqueued v/b 2\nw/a failed\nw failed\nv/b success\nv success\n",
		},
		{
			name: "the worst status is the whole's", workflows: []*plan.Workflow{flow("w", "a", "b", "c")},
			ends: map[string]event.Status{"a": event.Failed, "b": event.InfrastructureFail}, want: event.InfrastructureFail,
			events: "queued w/a 1\nqueued w/b 2\nqueued w/c 3\nw/a failed\nw/b infrastructure_fail\nw/c success\nw infrastructure_fail\n",
		},
		{
			name: "a job that is not run fails nothing", workflows: []*plan.Workflow{flow("w", "hold", "b < hold")},
			ends: map[string]event.Status{"hold": event.NotRun}, want: event.Success,
			events: "queued w/hold 1\nqueued w/b 2\nw/hold not_run\nw/b not_run (requires hold, which ended as not_run)\nw success\n",
		},
		{
			name: "fail fast cancels what waits, in every workflow", failFast: true,
			workflows: []*plan.Workflow{flow("w", "a", "b", "c < b"), flow("v", "d")},
			ends:      map[string]event.Status{"a": event.Failed}, want: event.Failed,
			events: "queued w/a 1\nqueued w/b 2\nqueued w/c 3\nqueued v/d 4\nw/a failed\nw/b canceled\nw/c canceled\nw failed\nv/d canceled\nv canceled\n",
		},
		{
			name: "fail fast does not mind what is not run", failFast: true,
			workflows: []*plan.Workflow{flow("w", "hold", "b")},
			ends:      map[string]event.Status{"hold": event.NotRun}, want: event.Success,
			events: "queued w/hold 1\nqueued w/b 2\nw/hold not_run\nw/b success\nw success\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := &listener{}
			o := &Orchestrator{Jobs: ending(tt.ends), Out: event.NewStream(l), Parallel: 1, FailFast: tt.failFast}
			if got := o.Run(t.Context(), 7, &plan.Pipeline{Workflows: tt.workflows}); got != tt.want {
				t.Errorf("the pipeline ended as %s, want %s", got, tt.want)
			}
			if got := told(l.events); got != tt.events {
				t.Errorf("got\n%swant\n%s", got, tt.events)
			}
			for _, e := range l.events {
				if e.Where().Pipeline != 7 {
					t.Errorf("%s is of pipeline %d", e.Type(), e.Where().Pipeline)
				}
			}
		})
	}
}

func TestOrchestratorRunsNodes(t *testing.T) {
	w := flow("w", "test", "ship < test", "clean < test:failed")
	w.Jobs[0].Parallelism = 3
	w.Jobs[1].Parallelism = 2
	seen := make(chan event.At, 9)
	var over atomic.Int32
	ends := []event.Status{event.Success, event.Failed, event.Success}
	o := &Orchestrator{Parallel: 2, Jobs: fakeJobs(func(_ context.Context, at event.At, _ *plan.Job) Outcome {
		seen <- at
		if at.Job == "test" {
			over.Add(1)
			return Outcome{Status: ends[at.Node]}
		}
		if n := over.Load(); n != 3 {
			t.Errorf("%s started when %d of 3 nodes had ended", at.Job, n)
		}
		return Outcome{Status: event.Success}
	})}
	l := &listener{}
	o.Out = event.NewStream(l)
	if got := o.Run(t.Context(), 7, &plan.Pipeline{Workflows: []*plan.Workflow{w}}); got != event.Failed {
		t.Errorf("the pipeline ended as %s", got)
	}
	close(seen)
	ran := map[string]int{}
	for at := range seen {
		ran[fmt.Sprintf("%s[%d] %d", at.Job, at.Node, at.JobID)]++
	}
	want := map[string]int{"test[0] 1": 1, "test[1] 1": 1, "test[2] 1": 1, "clean[0] 3": 1}
	if !maps.Equal(ran, want) {
		t.Errorf("ran %v, want %v", ran, want)
	}
	closed := map[string]event.Status{}
	for _, e := range l.events {
		if f, ok := e.(event.JobFinished); ok {
			closed[fmt.Sprintf("%s[%d]", f.Job, f.Node)] = f.Status
		}
	}
	if want := map[string]event.Status{
		"test[0]": event.Success, "test[1]": event.Failed, "test[2]": event.Success, "clean[0]": event.Success,
		"ship[0]": event.NotRun, "ship[1]": event.NotRun,
	}; !maps.Equal(closed, want) {
		t.Errorf("closed %v, want %v", closed, want)
	}
}

func TestOrchestratorCancelsNodesThatWait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := flow("w", "test")
	w.Jobs[0].Parallelism = 3
	l := &listener{}
	started, status := hold(ctx, &Orchestrator{Parallel: 1, Out: event.NewStream(l)}, w)
	first := <-started
	cancel()
	first.end <- event.Canceled
	if s := <-status; s != event.Canceled {
		t.Errorf("ended as %s", s)
	}
	if got := strings.Count(told(l.events), "w/test canceled"); got != 3 {
		t.Errorf("%d nodes were closed, want 3", got)
	}
}

// What needs no container takes no place: an approval that waits must not
// hold up the jobs beside it.
func TestOrchestratorGivesNoPlaceToWhatNeedsNone(t *testing.T) {
	w := flow("w", "hold", "build")
	w.Jobs[0].Kind = plan.Approval
	started, status := hold(t.Context(), &Orchestrator{Parallel: 1}, w)
	both := []heldJob{<-started, <-started}
	for _, j := range both {
		j.end <- event.Success
	}
	if s := <-status; s != event.Success {
		t.Errorf("ended as %s", s)
	}
}

func TestOrchestratorContinues(t *testing.T) {
	setup := func(name string) *plan.Workflow {
		w := flow(name, "make")
		w.Setup = "ci.yml"
		return w
	}
	tests := []struct {
		name   string
		ends   map[string]event.Status
		how    event.Status
		want   event.Status
		events string
	}{
		{"with what a setup workflow made, whose jobs are numbered on", nil, event.Success, event.Success,
			"queued s/make 1\nqueued v/other 2\ns/make success\ns success\nqueued w/a 3\nqueued w/b 4\nv/other success\nv success\nw/a success\nw/b success\nw success\n"},
		{"and what of it fails fails the whole", map[string]event.Status{"b": event.Failed}, event.Success, event.Failed,
			"queued s/make 1\nqueued v/other 2\ns/make success\ns success\nqueued w/a 3\nqueued w/b 4\nv/other success\nv success\nw/a success\nw/b failed\nw failed\n"},
		{"not after a failure", map[string]event.Status{"make": event.Failed}, event.Success, event.Failed,
			"queued s/make 1\nqueued v/other 2\ns/make failed\ns failed\nv/other success\nv success\n"},
		{"but what cannot be made fails it", nil, event.Failed, event.Failed,
			"queued s/make 1\nqueued v/other 2\ns/make success\ns success\nv/other success\nv success\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := &listener{}
			o := &Orchestrator{Jobs: ending(tt.ends), Out: event.NewStream(l), Parallel: 1}
			o.Continue = func(_ context.Context, w *plan.Workflow) ([]*plan.Workflow, event.Status) {
				if w.Name != "s" {
					t.Errorf("workflow %s is not of a setup config", w.Name)
				}
				if tt.how != event.Success {
					return nil, tt.how
				}
				return []*plan.Workflow{flow("w", "a", "b < a")}, event.Success
			}
			got := o.Run(t.Context(), 7, &plan.Pipeline{Workflows: []*plan.Workflow{setup("s"), flow("v", "other")}})
			if events := told(l.events); got != tt.want || events != tt.events {
				t.Errorf("the pipeline ended as %s, want %s; got\n%swant\n%s", got, tt.want, events, tt.events)
			}
		})
	}
}

func TestQueuedDescribesTheJob(t *testing.T) {
	j := &plan.Job{
		Name: "a", Kind: plan.Docker, Images: []plan.Image{{Name: "one"}, {Name: "two"}},
		Env: []plan.Var{{Name: "KEY", Value: "value"}}, Steps: make([]plan.Step, 0), Requires: []plan.Require{{Job: "b"}},
	}
	e := queued(event.At{Job: "a"}, j, []string{"TOKEN"})
	if e.Image != "one" || e.Kind != "docker" || !slices.Equal(e.Requires, []string{"b"}) || !slices.Equal(e.EnvNames, []string{"TOKEN", "KEY"}) || e.PlanHash != j.Hash() {
		t.Errorf("%+v", e)
	}
}
