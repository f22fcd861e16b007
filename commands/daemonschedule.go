package commands

import (
	"context"
	"slices"
	"time"

	"github.com/adhocore/gronx"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A standard is the newest known commit of a default branch and its plan.
type standard struct {
	order db.Order
	plan  *plan.Pipeline // nil: it has no pipeline
	seen  time.Time
}

// standardAge is how long a plan is looked at for schedules before the
// repository is asked for a newer one.
const standardAge = 15 * time.Minute

// standardPlan is the plan of the newest commit of the default branch, or,
// where it need not be fresh, one that is not too old.
func (d *daemon) standardPlan(ctx context.Context, r db.Repo, fresh bool) (db.Order, *plan.Pipeline, error) {
	known := d.standards[r.URL]
	if !fresh && time.Since(known.seen) < standardAge {
		return known.order, known.plan, nil
	}
	m := d.mirror(r)
	refs, branch, err := m.Refs(ctx)
	if err != nil || branch == "" {
		return known.order, nil, err
	}
	ref := "refs/heads/" + branch
	o := db.Order{Repo: r.Name, Trigger: "schedule", Event: "schedule", Ref: ref, Branch: branch, Commit: refs[ref], By: "schedule"}
	if o.Commit != known.order.Commit || known.plan == nil {
		known.plan, err = d.planOf(ctx, r, o)
	}
	d.standards[r.URL] = standard{o, known.plan, time.Now()}
	return o, known.plan, err
}

// planOf reads the plan of an order's commit.
func (d *daemon) planOf(ctx context.Context, r db.Repo, o db.Order) (*plan.Pipeline, error) {
	if err := d.mirror(r).Fetch(ctx, o.Ref, o.Commit); err != nil {
		return nil, err
	}
	l := d.newLaunch(r, d.orderOf(o, r))
	if err := l.openCheckout(ctx); err != nil {
		return nil, err
	}
	return l.compile(ctx, 0)
}

// due says whether a workflow has a schedule for this minute and branch.
func due(w *plan.Workflow, now time.Time, branch string) bool {
	return slices.ContainsFunc(w.Schedules, func(s plan.Schedule) bool {
		is, err := gronx.New().IsDue(s.Cron, now)
		return err == nil && is && !slices.Contains(s.Ignore, branch) && (len(s.Only) == 0 || slices.Contains(s.Only, branch))
	})
}
