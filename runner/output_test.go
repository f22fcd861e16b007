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
