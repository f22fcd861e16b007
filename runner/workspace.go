package runner

import (
	"context"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// persist adds a layer to the workflow's workspace.
func (j *job) persist(_ context.Context, s plan.Step, _ plan.PersistToWorkspace) (event.StepFinished, error) {
	return j.notYet(s)
}

// attach unpacks the layers of the jobs upstream.
func (j *job) attach(_ context.Context, s plan.Step, _ plan.AttachWorkspace) (event.StepFinished, error) {
	return j.notYet(s)
}
