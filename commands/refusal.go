package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/ghstatus"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// A refusal is how a pipeline ends that could not begin.
type refusal struct {
	status event.Status
	reason string // for the history
	public string // for whoever sees the commit; empty: there is nothing to tell them
}

// whyNot says how a pipeline ends whose commit could not be brought, or which
// cannot run. What the commit is told has nothing of this machine in it.
func whyNot(ctx context.Context, err error) refusal {
	r := refusal{event.InfrastructureFail, err.Error(), "popsicle could not bring the commit: the log of its daemon says why"}
	var short *cutShort
	var nothing *nothingToRun
	switch {
	case ctx.Err() != nil && errors.As(context.Cause(ctx), &short):
		r = refusal{status: short.status, reason: short.reason}
	case errors.As(err, &nothing):
		r.status, r.public = event.NotRun, ""
	case errors.Is(err, gitops.ErrTooLarge):
		r.public = "the repository is larger than its popsicle daemon takes"
	case errors.Is(err, gitops.ErrNoCommit):
		r.status, r.public = event.Failed, "the commit is not at the server any more: its branch was changed by force, or removed"
	case exitCode(err) == exitUsage:
		r.status = event.Failed
		if !errors.Is(err, gitops.ErrNotRepository) { // that names a folder of this machine
			r.public = err.Error()
		}
	}
	return r
}

// refuse ends a pipeline that cannot begin, and tells its commit why.
func (d *daemon) refuse(ctx context.Context, l *launch, o db.Order, report *ghstatus.Reporter, why refusal) (event.Status, bool, error) {
	err := l.end(ctx, o, why.status, why.reason)
	if report != nil && why.public != "" {
		err = errors.Join(err, report.Refuse(o.Pipeline, why.public))
	}
	return why.status, false, err
}

// end writes the whole of a pipeline that had nothing to run.
func (l *launch) end(ctx context.Context, o db.Order, status event.Status, reason string) error {
	recorder := l.history.Recorder(o.Pipeline)
	out := event.NewStream(recorder)
	at := event.At{Pipeline: o.Pipeline}
	out.Emit(event.PipelineStarted{
		At: at, Repo: o.Repo, Commit: o.Commit, Branch: o.Branch, Tag: o.Tag, Subject: o.Subject, Author: o.Author, Trigger: o.Trigger, Source: "commit",
	})
	out.Emit(event.PipelineFinished{At: at, Status: status, Reason: reason})
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
	defer cancel()
	return recorder.Close(wait)
}

// begun takes back what an earlier pipeline has said of the commit: that it
// could not begin, or waits for approval.
func (d *daemon) begun(ctx context.Context, o db.Order, report *ghstatus.Reporter) error {
	t := report.Target
	s, err := d.history.StatusOf(ctx, t.Host, t.Repo, t.Commit, report.Whole())
	switch {
	case errors.Is(err, db.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("statuses of %s: %w", t.Commit, err)
	case s.State == string(ghstatus.Success) || s.Pipeline >= o.Pipeline:
		return nil
	}
	return report.Begin(o.Pipeline)
}
