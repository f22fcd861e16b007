package db

import (
	"errors"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
)

func TestAnswers(t *testing.T) {
	d := open(t)
	id, r := begin(t, d)
	handle(t, r,
		event.PipelineStarted{At: event.At{Time: clock}, Workflows: []string{"main"}},
		event.JobQueued{At: jobAt(1, 0), Kind: "approval"}, event.JobQueued{At: jobAt(2, 0), Kind: "docker"}, event.JobQueued{At: jobAt(3, 0), Kind: "approval"},
		event.JobStarted{At: jobAt(2, 0)}, event.JobHeld{At: jobAt(1, 0)})
	state := func(want event.Status) func() bool {
		return func() bool {
			p, err := d.Pipeline(t.Context(), id)
			w, err2 := d.Workflows(t.Context(), id)
			return errors.Join(err, err2) == nil && p.Status == want && len(w) == 1 && w[0].Status == want
		}
	}
	waitFor(t, func() bool {
		jobs, _ := d.Jobs(t.Context(), id)
		return len(jobs) == 3 && jobs[0].Status == event.OnHold
	})
	if !state(event.Running)() {
		t.Error("a pipeline that still runs something is on hold")
	}
	handle(t, r, event.JobFinished{At: jobAt(2, 0), Status: event.Success})
	waitFor(t, state(event.OnHold))

	if _, said, err := d.Approval(t.Context(), id, 1); said || err != nil {
		t.Errorf("before: %v, %v", said, err)
	}
	for _, a := range []Approval{{true, "ada"}, {false, "bob"}} { // the first counts
		if err := d.Answer(t.Context(), id, 1, a); err != nil {
			t.Fatal(err)
		}
	}
	if a, said, err := d.Approval(t.Context(), id, 1); a != (Approval{true, "ada"}) || !said || err != nil {
		t.Errorf("after: %v, %v, %v", a, said, err)
	}
	if err := d.Answer(t.Context(), id, 3, Approval{By: "ada"}); err != nil {
		t.Errorf("ahead: %v", err)
	}
	for _, place := range []int{2, 4} {
		if err := d.Answer(t.Context(), id, place, Approval{}); !errors.Is(err, ErrNotFound) {
			t.Errorf("job %d: %v", place, err)
		}
	}
	handle(t, r, event.JobFinished{At: jobAt(1, 0), Status: event.Success})
	waitFor(t, state(event.Running))
	if err := d.Answer(t.Context(), id, 1, Approval{}); !errors.Is(err, ErrEnded) {
		t.Errorf("of one that ended: %v", err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
