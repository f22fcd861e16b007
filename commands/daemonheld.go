package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/ghstatus"
)

// tellHeld says of commits that their pipelines wait for somebody to approve
// them, and of those that nobody will that they ended. Another process may end
// them, so it is the history that is asked.
func (d *daemon) tellHeld(ctx context.Context) error {
	if err := d.knowAsked(ctx); err != nil {
		return err
	}
	held, err := d.history.Held(ctx)
	if err != nil {
		return err
	}
	waits := map[int64]bool{}
	for _, o := range held {
		waits[o.Pipeline] = true
		if !d.asked[o.Pipeline] {
			d.asked[o.Pipeline] = true
			d.sayWhole(o, ghstatus.Pending, fmt.Sprintf("waits for approval: popsicle approve %d", o.Pipeline))
		}
	}
	for id := range d.asked {
		if !waits[id] {
			err = errors.Join(err, d.tellEnded(ctx, id))
		}
	}
	return err
}

// knowAsked finds what an earlier daemon has said, the first time.
func (d *daemon) knowAsked(ctx context.Context) error {
	if d.asked != nil {
		return nil
	}
	said, err := d.history.PendingStatuses(ctx, (&ghstatus.Reporter{}).Whole())
	if err != nil {
		return err
	}
	d.asked = map[int64]bool{}
	for _, s := range said {
		d.asked[s.Pipeline] = true
	}
	return nil
}

// tellEnded says that a pipeline which waited to be approved has ended, if so:
// one that was approved is told of when it is taken.
func (d *daemon) tellEnded(ctx context.Context, pipeline int64) error {
	p, err := d.history.Pipeline(ctx, pipeline)
	if errors.Is(err, db.ErrNotFound) {
		delete(d.asked, pipeline)
		return nil
	}
	if err != nil || !p.Status.Ended() {
		return err
	}
	o, err := d.history.Order(ctx, pipeline)
	if err != nil {
		return err
	}
	delete(d.asked, pipeline)
	d.sayWhole(o, ghstatus.Error, cmp.Or(p.Reason, string(p.Status)))
	return nil
}

// tellApproved says that a pipeline which waited is taken now: what keeps it
// from running is said after that.
func (d *daemon) tellApproved(o db.Order) {
	if d.asked[o.Pipeline] {
		delete(d.asked, o.Pipeline)
		d.sayWhole(o, ghstatus.Success, "approved by "+o.By)
	}
}

// sayWhole says something of a pipeline as a whole, where somebody wants that.
func (d *daemon) sayWhole(o db.Order, state ghstatus.State, text string) {
	repo, known := d.repo(o.Repo)
	if !known {
		return
	}
	report := d.reporter(o, repo)
	if report == nil {
		return
	}
	if err := report.Say(o.Pipeline, state, text); err != nil {
		d.log.Error("status not kept", "pipeline", o.Pipeline, "error", err)
	}
}
