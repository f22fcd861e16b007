package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// An Outcome is what became of a delivery.
type Outcome string

// The outcomes.
const (
	OutcomeQueued  Outcome = "queued"  // a pipeline waits to be run
	OutcomeOnHold  Outcome = "on_hold" // a pipeline waits to be approved
	OutcomeIgnored Outcome = "ignored" // there is nothing to run
	OutcomeRefused Outcome = "refused" // the allow-list does not have it
)

// A Delivery is one webhook that was signed.
type Delivery struct {
	ID       int64
	GUID     string // unique for good: a redelivery has the same
	Body     [sha256.Size]byte
	Time     time.Time
	Event    string
	Action   string
	Repo     string
	Ref      string
	Commit   string
	Outcome  Outcome
	Reason   string
	Pipeline int64 // 0: none

	// Order is what there is to run, nil for nothing. Ended says that nothing
	// of Ref shall run any more: it was deleted, or its pull request closed.
	Order *Order
	Ended bool
}

// A Receipt says what became of a delivery.
type Receipt struct {
	Delivery
	Duplicate bool    // it, or the same body, had been delivered before
	Stale     []int64 // running pipelines that should end: it supersedes them
}

// An inbox gathers the deliveries that come at the same time, so that one
// transaction, and one wait for the disk, is enough for them.
type inbox struct {
	mu      sync.Mutex
	waiting []*parcel
	writing sync.Mutex // held by the one that writes for all
}

// A parcel is one delivery on its way to the disk.
type parcel struct {
	Delivery
	receipt Receipt
	err     error
	done    bool // guarded by inbox.writing
}

// Deliver writes a delivery and, where it has an order, the pipeline that
// waits for it. When it returns, a power cut does not undo it any more. A
// delivery that was there before changes nothing: its receipt tells what
// became of the first.
func (d *DB) Deliver(_ context.Context, one Delivery) (Receipt, error) {
	// Without the caller's context: one caller that has gone must not undo
	// what it writes for the others.
	p := &parcel{Delivery: one}
	b := &d.inbox
	b.mu.Lock()
	b.waiting = append(b.waiting, p)
	b.mu.Unlock()

	b.writing.Lock()
	defer b.writing.Unlock()
	if p.done { // another has written it while this one waited
		return p.receipt, p.err
	}
	b.mu.Lock()
	batch := b.waiting
	b.waiting = nil
	b.mu.Unlock()
	ctx := context.Background()
	err := d.durably(ctx, func(tx *sql.Tx) error {
		for _, p := range batch {
			var err error
			if p.receipt, err = d.deliver(ctx, tx, p.Delivery); err != nil {
				return err
			}
		}
		return nil
	})
	for _, p := range batch {
		p.done, p.err = true, err
	}
	return p.receipt, p.err
}

// deliver writes one delivery.
func (d *DB) deliver(ctx context.Context, tx *sql.Tx, one Delivery) (Receipt, error) {
	switch first, err := scanDelivery(tx.QueryRowContext(ctx, "SELECT "+deliveryColumns+" FROM deliveries WHERE guid = ? OR body_hash = ? ORDER BY id LIMIT 1", one.GUID, one.Body[:]).Scan); {
	case err == nil:
		return Receipt{Delivery: first, Duplicate: true}, nil
	case !errors.Is(err, sql.ErrNoRows):
		return Receipt{}, err
	}
	r := Receipt{Delivery: one}
	if err := d.settleOrder(ctx, tx, &r); err != nil {
		return r, err
	}
	pipeline := sql.NullInt64{Int64: r.Pipeline, Valid: r.Pipeline != 0}
	err := tx.QueryRowContext(ctx, `INSERT INTO deliveries (guid, body_hash, time, event, action, repo, ref, commit_sha, outcome, reason, pipeline_id)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`, one.GUID, one.Body[:], moment(one.Time), one.Event, one.Action, one.Repo, one.Ref, one.Commit,
		r.Outcome, r.Reason, pipeline).Scan(&r.ID)
	return r, err
}

// settleOrder does what a delivery asks for: it queues its order, and ends
// what that supersedes.
func (d *DB) settleOrder(ctx context.Context, tx *sql.Tx, r *Receipt) (err error) {
	o := r.Order
	if r.Ended {
		_, err = supersede(ctx, tx, r.Repo, r.Ref, false, r.Reason) // what runs may come to its end
		return err
	}
	if o == nil {
		return nil
	}
	switch known, by, err := pipelineOf(ctx, tx, o); {
	case err != nil:
		return err
	case known != 0:
		r.Outcome, r.Pipeline = OutcomeIgnored, known
		r.Reason = fmt.Sprintf("the %s of %.12s made pipeline #%d", by, o.Commit, known)
		if o.Event == "push" && o.Moving {
			r.Stale, err = supersede(ctx, tx, o.Repo, o.Ref, false, fmt.Sprintf("superseded by #%d", known))
		}
		return err
	}
	r.Outcome = OutcomeQueued
	if o.Hold {
		r.Outcome = OutcomeOnHold
	}
	if r.Pipeline, err = d.enqueue(ctx, tx, *o, nil); err != nil || !o.Moving {
		return err
	}
	r.Stale, err = supersede(ctx, tx, o.Repo, o.Ref, true, fmt.Sprintf("superseded by #%d", r.Pipeline))
	return err
}

// sameTime is how far apart the deliveries may come that tell of one push to
// the branch of a pull request: how many, and in which order, no forge promises.
const sameTime = time.Minute

// pipelineOf finds the pipeline that another delivery of the same push has
// made: for a pull request that of its push, or one of the pull request itself;
// for a push that of its pull request.
func pipelineOf(ctx context.Context, tx *sql.Tx, o *Order) (id int64, by string, err error) {
	lately := time.Now().Add(-sameTime)
	switch o.Event {
	case "push":
		return twin(ctx, tx, o, "pull_request", "p.branch = ? AND coalesce(json_extract(nullif(o.pull, ''), '$.Fork'), 0) = 0", o.Branch, lately)
	case "pull_request":
		if o.Action == "synchronized" { // Gitea says so of what it has just opened
			id, by, err = twin(ctx, tx, o, "pull_request", "o.ref = ?", o.Ref, lately)
		}
		if id == 0 && err == nil && !o.Hold {
			return twin(ctx, tx, o, "push", "p.branch = ?", o.Branch, time.Unix(0, 0))
		}
	}
	return id, by, err
}

// twin finds the newest pipeline of an order's commit that an event has made
// since then, 0 for none. What was ended is none: it says nothing of the commit.
func twin(ctx context.Context, tx *sql.Tx, o *Order, made, where, value string, since time.Time) (id int64, by string, err error) {
	err = tx.QueryRowContext(ctx, `SELECT p.id FROM pipelines AS p INDEXED BY pipelines_by_commit JOIN orders AS o ON o.pipeline_id = p.id
		WHERE p.commit_sha = ? AND o.repo = ? AND o.event = ? AND p.status NOT IN ('canceled', 'interrupted') AND p.queued_time >= ? AND `+where+`
		ORDER BY p.id DESC LIMIT 1`, o.Commit, o.Repo, made, moment(since), value).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, strings.ReplaceAll(made, "_", " "), err
}

// supersede ends the pipelines of a ref, but for the newest where there is a
// new one: those that wait end here, those that run are returned.
func supersede(ctx context.Context, tx *sql.Tx, repo, ref string, spareNewest bool, reason string) ([]int64, error) {
	rows, err := tx.QueryContext(ctx, `SELECT o.pipeline_id, p.lease <> '' OR p.status = 'running' FROM orders AS o JOIN pipelines AS p ON p.id = o.pipeline_id
		WHERE o.settled = 0 AND o.repo = ? AND o.ref = ? AND o.event IN ('push', 'pull_request', 'poll') AND p.`+isOpen+` ORDER BY o.pipeline_id`, repo, ref)
	if err != nil {
		return nil, err
	}
	type older struct {
		id    int64
		taken bool
	}
	all, err := collect(rows, func(scan func(...any) error) (o older, err error) {
		err = scan(&o.id, &o.taken)
		return o, err
	})
	if err != nil {
		return nil, err
	}
	if spareNewest {
		all = all[:len(all)-1]
	}
	var running []int64
	for _, o := range all {
		if o.taken {
			running = append(running, o.id)
			continue
		}
		if _, err := tx.ExecContext(ctx, cancelWaiting+" AND id = ?", moment(time.Now()), reason, o.id); err != nil {
			return nil, err
		}
	}
	return running, nil
}

const deliveryColumns = "id, guid, time, event, action, repo, ref, commit_sha, outcome, reason, coalesce(pipeline_id, 0)"

func scanDelivery(scan func(...any) error) (one Delivery, err error) {
	err = scan(&one.ID, &one.GUID, (*moment)(&one.Time), &one.Event, &one.Action, &one.Repo, &one.Ref, &one.Commit, &one.Outcome, &one.Reason, &one.Pipeline)
	return one, err
}

// A DeliveryFilter says which deliveries to list. Empty fields do not filter.
type DeliveryFilter struct {
	Repo    string
	Outcome Outcome
	Limit   int   // at most so many; 0: 100
	Before  int64 // older than this delivery: the next page of a list
}

// Deliveries lists deliveries, newest first.
func (d *DB) Deliveries(ctx context.Context, f DeliveryFilter) ([]Delivery, error) {
	if f.Limit == 0 {
		f.Limit = 100
	}
	rows, err := d.read.QueryContext(ctx, "SELECT "+deliveryColumns+` FROM deliveries WHERE (?1 = '' OR repo = ?1) AND (?2 = '' OR outcome = ?2)
		AND (?3 = 0 OR id < ?3) ORDER BY id DESC LIMIT ?4`, f.Repo, f.Outcome, f.Before, f.Limit)
	if err != nil {
		return nil, d.wrap(err)
	}
	all, err := collect(rows, scanDelivery)
	return all, d.wrap(err)
}
