package ghstatus

import (
	"context"
	"math/rand/v2"
	"time"
)

// An Entry is a status on its way.
type Entry struct {
	Status
	ID    int64
	Seq   int64 // counts the changes of the entry: what is settled is this one
	Tries int   // how often it was tried
	Since time.Time
}

// An Outbox keeps statuses until they are posted, also when popsicle ends.
type Outbox interface {
	// DueStatus returns an entry whose time has come, and how long the next
	// one has; no entry and 0 mean that nothing waits.
	DueStatus(ctx context.Context, now time.Time) (e *Entry, wait time.Duration, err error)
	// SettleStatus notes what became of an entry, and when it is tried again:
	// zero for never.
	SettleStatus(ctx context.Context, e Entry, verdict Verdict, text string, next time.Time) error
}

// A Sender posts what is in an outbox, one after the other.
type Sender struct {
	Outbox Outbox
	Post   func(context.Context, Status) Answer
	Told   func(Entry, Answer) // hears of every answer; may be nil
	Pause  time.Duration       // between two posts: GitHub asks for a second
}

// How long statuses are tried.
const (
	pushPatience = 7 * 24 * time.Hour // for a commit that nobody pushed
	maxTries     = 40
	firstRetry   = 2 * time.Second
	longestRetry = 30 * time.Minute
)

// Drain posts everything that is due now, and returns what waits: how long
// until the next is due, 0 where nothing waits.
func (s *Sender) Drain(ctx context.Context) (time.Duration, error) {
	for ctx.Err() == nil {
		e, wait, err := s.Outbox.DueStatus(ctx, time.Now())
		if err != nil || e == nil {
			return wait, err
		}
		a := s.Post(ctx, e.Status)
		if ctx.Err() != nil {
			break // it is tried again: twice the same status does no harm
		}
		if err := s.Outbox.SettleStatus(ctx, *e, a.Verdict, a.Text, s.next(*e, a)); err != nil {
			return 0, err
		}
		if s.Told != nil {
			s.Told(*e, a)
		}
		pause(ctx, s.Pause)
	}
	return 0, ctx.Err()
}

// Run drains the outbox whenever wake is sent to, and when something in it
// is due again, until ctx ends. failed hears of an outbox that is broken.
func (s *Sender) Run(ctx context.Context, wake <-chan struct{}, failed func(error)) {
	for ctx.Err() == nil {
		wait, err := s.Drain(ctx)
		if err != nil && ctx.Err() == nil {
			failed(err)
			wait = longestRetry
		}
		var due <-chan time.Time
		if wait > 0 {
			due = time.After(wait)
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-due:
		}
	}
}

// next is when an entry is tried again, zero for never.
func (s *Sender) next(e Entry, a Answer) time.Time {
	now := time.Now()
	switch {
	case a.Verdict == Posted, a.Verdict == Refused, a.Verdict == Later && e.Tries >= maxTries:
		return time.Time{}
	case a.Verdict == Unknown && now.Sub(e.Since) > pushPatience:
		return time.Time{}
	case a.Wait > 0:
		return now.Add(a.Wait)
	}
	return now.Add(backoff(e.Tries))
}

// backoff doubles with every try, and is scattered so that many do not come
// back at once.
func backoff(tries int) time.Duration {
	d := min(longestRetry, firstRetry<<min(tries, 12))
	return d/2 + rand.N(d/2)
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
