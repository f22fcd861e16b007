package runner

import (
	"context"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// saveCache keeps paths of the container under a key, for later jobs and runs.
func (j *job) saveCache(_ context.Context, s plan.Step, _ plan.SaveCache) (event.StepFinished, error) {
	return j.notYet(s)
}

// restoreCache brings back what was kept under the first key that any begins with.
func (j *job) restoreCache(_ context.Context, s plan.Step, _ plan.RestoreCache) (event.StepFinished, error) {
	return j.notYet(s)
}
