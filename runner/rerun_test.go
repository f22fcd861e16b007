package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// flaky is a fakeJobs whose jobs end by the list that stands behind their
// name, and well when it is used up.
func flaky(ends map[string][]event.Status) fakeJobs {
	var mu sync.Mutex
	return func(_ context.Context, _ event.At, j *plan.Job) Outcome {
		mu.Lock()
		defer mu.Unlock()
		left := ends[j.Name]
		if len(left) == 0 {
			return Outcome{Status: event.Success}
		}
		ends[j.Name] = left[1:]
		return Outcome{Status: left[0]}
	}
}

func TestWorkflowsRunAgain(t *testing.T) {
	group := flow("w", "start", "in < start", "end < in", "unlock < end:success|failed|not_run", "after < end, unlock")
	group.Jobs[0].Kind, group.Jobs[0].SerialGroup = plan.Lock, "x"
	group.Jobs[3].Kind, group.Jobs[3].SerialGroup = plan.Unlock, "x"
	bad := []event.Status{event.Failed}
	tests := []struct {
		name   string
		flow   *plan.Workflow
		reruns int
		ends   map[string][]event.Status
		want   event.Status
		events string // without those of the first run
	}{
		{"not asked for", flow("w", "a"), 0, map[string][]event.Status{"a": bad}, event.Failed, "w failed\n"},
		{"from what failed, with what depends on it", flow("w", "a", "b < a", "c < b", "d < b:failed", "e < a, c"), 2, map[string][]event.Status{"b": bad}, event.Success,
			"- w failed: rerun 1 of 2 from b\nqueued w/b (rerun 1) 6\nqueued w/c (rerun 1) 7\nqueued w/d (rerun 1) 8\nqueued w/e (rerun 1) 9\n" +
				"w/b (rerun 1) success\nw/d (rerun 1) not_run (requires b (rerun 1), which ended as success)\nw/c (rerun 1) success\nw/e (rerun 1) success\nw success\n"},
		{"not more often than asked for", flow("w", "a", "b < a"), 1, map[string][]event.Status{"a": {event.Failed, event.TimedOut}}, event.TimedOut,
			"- w failed: rerun 1 of 1 from a\nqueued w/a (rerun 1) 3\nqueued w/b (rerun 1) 4\nw/a (rerun 1) timedout\n" +
				"w/b (rerun 1) not_run (requires a (rerun 1), which ended as timedout)\nw timedout\n"},
		{"what waits for an approval that did not come stays so", flow("w", "a", "hold", "b < a, hold"), 1,
			map[string][]event.Status{"a": bad, "hold": {event.NotRun}}, event.Success,
			"- w failed: rerun 1 of 1 from a\nqueued w/a (rerun 1) 4\nqueued w/b (rerun 1) 5\n" +
				"w/b (rerun 1) not_run (requires hold, which ended as not_run)\nw/a (rerun 1) success\nw success\n"},
		{"a job group takes its lock again", group, 1, map[string][]event.Status{"in": bad}, event.Success,
			"- w failed: rerun 1 of 1 from in\nqueued w/start (rerun 1) 6\nqueued w/in (rerun 1) 7\nqueued w/end (rerun 1) 8\nqueued w/unlock (rerun 1) 9\nqueued w/after (rerun 1) 10\n" +
				"w/start (rerun 1) success\nw/in (rerun 1) success\nw/end (rerun 1) success\nw/unlock (rerun 1) success\nw/after (rerun 1) success\nw success\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := &listener{}
			tt.flow.MaxAutoReruns = tt.reruns
			o := &Orchestrator{Jobs: flaky(tt.ends), Out: event.NewStream(l), Parallel: 1}
			got := o.Run(t.Context(), 7, &plan.Pipeline{Workflows: []*plan.Workflow{tt.flow}})
			from := slices.IndexFunc(l.events, func(e event.Event) bool {
				_, again := e.(event.Message)
				_, over := e.(event.WorkflowFinished)
				return again || over
			})
			if events := told(l.events[from:]); got != tt.want || events != tt.events {
				t.Errorf("ended as %s, want %s; got\n%swant\n%s", got, tt.want, events, tt.events)
			}
		})
	}
}

func TestRerunsTellWhatTheyRunAgain(t *testing.T) {
	w := flow("w", "a", "b < a")
	w.MaxAutoReruns = 2
	l := &listener{}
	o := &Orchestrator{Jobs: flaky(map[string][]event.Status{"a": {event.Failed, event.Failed}}), Out: event.NewStream(l), Parallel: 1}
	o.Run(t.Context(), 7, &plan.Pipeline{Workflows: []*plan.Workflow{w}})
	var got []string
	for _, e := range l.events {
		if q, ok := e.(event.JobQueued); ok {
			got = append(got, fmt.Sprint(q.JobID, " of ", q.RerunOf, " requires ", q.Requires))
		}
	}
	want := "1 of 0 requires [], 2 of 0 requires [a], 3 of 1 requires [], 4 of 2 requires [a (rerun 1)], 5 of 3 requires [], 6 of 4 requires [a (rerun 2)]"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

func TestCanceledWorkflowsDoNotRunAgain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := flow("w", "a")
	w.MaxAutoReruns = 5
	started, status := hold(ctx, &Orchestrator{Parallel: 1}, w)
	a := <-started
	cancel()
	a.end <- event.Failed
	if s := <-status; s != event.Canceled {
		t.Errorf("ended as %s", s)
	}
}
