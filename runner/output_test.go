package runner

import (
	"sync"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// TestACompanionDoesNotKeepTheListener is about a container's own process that
// writes before its step is announced: what the driver says next must be heard.
func TestACompanionDoesNotKeepTheListener(t *testing.T) {
	heard := &listener{}
	j := &job{runner: &Runner{Out: event.NewStream(heard), Mask: NewMask(nil)}, plan: &plan.Job{}, outputs: map[int]*output{}}
	j.news = sync.NewCond(&j.mu)
	c := j.companion("entrypoint", "Container x", plan.Pos{})
	j.output(c.step, []byte("early ")) // would wait for ever
	j.announce(1)
	j.output(c.step, []byte("and "))
	j.introduce()
	j.output(c.step, []byte("late\n"))
	if got := heard.said(c.step); got != "early and late\n" {
		t.Errorf("the step says %q", got)
	}
}

// TestTheStepThatHaltsIsTaken is about a step that was sent ahead and has
// halted the job before it is taken: only those after it are left out.
func TestTheStepThatHaltsIsTaken(t *testing.T) {
	j := &job{session: &session{}, plan: &plan.Job{}}
	j.session.halted.Store(3)
	for n, want := range map[int]bool{3: false, 4: true} {
		if got, why := j.skips(n, plan.Step{When: plan.Always, Do: plan.Run{}}); got != want {
			t.Errorf("step %d is left out: %v %s", n, got, why)
		}
	}
}
