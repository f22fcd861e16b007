package runner

import (
	"context"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// addSSHKeys gives the container SSH keys.
func (j *job) addSSHKeys(_ context.Context, s plan.Step, _ plan.AddSSHKeys) (event.StepFinished, error) {
	return j.notYet(s)
}
