package runner

import (
	"context"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// storeTestResults reads JUnit files of the container into the history.
func (j *job) storeTestResults(_ context.Context, s plan.Step, _ plan.StoreTestResults) (event.StepFinished, error) {
	return j.notYet(s)
}
