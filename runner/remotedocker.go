package runner

import (
	"context"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// setupRemoteDocker gives the container a Docker engine.
func (j *job) setupRemoteDocker(_ context.Context, s plan.Step, _ plan.SetupRemoteDocker) (event.StepFinished, error) {
	return j.notYet(s)
}
