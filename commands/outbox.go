package commands

import (
	"context"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/ghstatus"
)

// An outbox is the history as ghstatus knows it: what is to be said of
// commits waits there until it is said.
type outbox struct{ history *db.DB }

// DueStatus implements ghstatus.Outbox.
func (o outbox) DueStatus(ctx context.Context, now time.Time) (*ghstatus.Entry, time.Duration, error) {
	s, wait, err := o.history.DueStatus(ctx, now)
	if s == nil || err != nil {
		return nil, wait, err
	}
	return &ghstatus.Entry{
		ID: s.ID, Seq: s.Seq, Tries: s.Tries, Since: s.Since,
		Status: ghstatus.Status{
			Target: ghstatus.Target{Host: s.Host, Repo: s.Repo, Commit: s.Commit}, Context: s.Context,
			State: ghstatus.State(s.State), Description: s.Description, TargetURL: s.TargetURL, Pipeline: s.Pipeline,
		},
	}, 0, nil
}

// SettleStatus implements ghstatus.Outbox.
func (o outbox) SettleStatus(ctx context.Context, e ghstatus.Entry, verdict ghstatus.Verdict, text string, next time.Time) error {
	return o.history.SettleStatus(ctx, db.Status{ID: e.ID, Seq: e.Seq}, string(verdict), text, next)
}

// put keeps a status. It outlives every cancel: how a run ended is said also
// when it was ended.
func (o outbox) put(s ghstatus.Status) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdown)
	defer cancel()
	return o.history.PutStatus(ctx, db.Status{
		Host: s.Host, Repo: s.Repo, Commit: s.Commit, Context: s.Context, State: string(s.State),
		Description: s.Description, TargetURL: s.TargetURL, Pipeline: s.Pipeline,
	})
}
