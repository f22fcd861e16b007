package runner

import (
	"context"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A Decision is what somebody said of an approval job.
type Decision struct {
	Approved bool // else rejected
	By       string
}

// approve runs an approval job: it is approved ahead, waits for a decision, or
// is not run where nobody would answer.
func (r *Runner) approve(ctx context.Context, at event.At, p *plan.Job) Outcome {
	if r.Approved != nil && r.Approved(p.Name) {
		return Outcome{Status: event.Success, Reason: "approved on the command line"}
	}
	if r.Decide == nil {
		r.common().unanswered(p.Name)
		return Outcome{Status: event.NotRun, Reason: "not approved: popsicle run --approve " + word(p.Name) + ", or --hold to wait for popsicle approve"}
	}
	r.Out.Emit(event.JobHeld{At: at})
	d, err := r.Decide(ctx, at)
	switch {
	case ctx.Err() != nil:
		return Outcome{Status: event.Canceled}
	case err != nil:
		return Outcome{Status: event.InfrastructureFail, Reason: r.Mask.String(err.Error())}
	case d.Approved:
		return Outcome{Status: event.Success, Reason: "approved by " + d.By}
	}
	return Outcome{Status: event.Canceled, Reason: "rejected by " + d.By}
}
