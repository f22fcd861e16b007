package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// An Order is what a pipeline of the daemon is asked to run: a commit of a
// repository. It waits in the history until the daemon takes it.
type Order struct {
	Pipeline int64
	Repo     string // "owner/name"
	Trigger  string // webhook, api, schedule, poll
	Event    string // push, pull_request, schedule, api
	Action   string
	Ref      string // what is fetched: "refs/heads/main"
	Commit   string // full object name
	Branch   string // what the pipeline runs on; at most one of Branch and Tag
	Tag      string
	Moving   bool // a branch whose newer pipelines supersede the older ones
	Hold     bool // it waits for approval
	Approved bool // somebody has approved exactly this commit
	Subject  string
	Author   string
	Pull     *Pull
	Workflow string // only this one: what a schedule starts
	Params   map[string]string
	By       string // who asked
	Crashes  int    // how often the process died while it ran
	Reuse    int64  // jobs that passed in this pipeline are not run again; 0: all are run
	Queued   time.Time
}

// A Pull is the pull request that an order is for.
type Pull struct {
	Number int
	Title  string
	URL    string
	Base   string // the branch it asks to change
	Owner  string // of the head's repository, "" where that is gone
	Name   string // of the head's repository
	Head   string // the head's branch, in its repository
	Fork   bool   // the head is in another repository
	Draft  bool
}

const insertPipeline = `INSERT INTO pipelines (status, queued_time, seen_time, version, repo, commit_sha, branch, tag, subject, author, trigger, source, reason)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'commit', ?) RETURNING id`

// enqueue writes a new order and its pipeline.
func (d *DB) enqueue(ctx context.Context, tx *sql.Tx, o Order, againOf any) (id int64, err error) {
	status, reason := event.Queued, ""
	if o.Hold {
		status, reason = event.OnHold, "waits for popsicle approve"
	}
	now := moment(time.Now())
	err = tx.QueryRowContext(ctx, insertPipeline, status, now, now, d.Version, o.Repo, o.Commit, o.Branch, o.Tag,
		o.Subject, o.Author, o.Trigger, reason).Scan(&id)
	if err != nil {
		return 0, err
	}
	pull := ""
	if o.Pull != nil {
		text, _ := json.Marshal(o.Pull) // plain data: it cannot fail
		pull = string(text)
	}
	params, _ := json.Marshal(o.Params) // plain data: it cannot fail
	_, err = tx.ExecContext(ctx, `INSERT INTO orders (pipeline_id, repo, event, action, ref, moving, pull, workflow, parameters, again_of, crashes, by, approved, reuse_of)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, id, o.Repo, o.Event, o.Action, o.Ref, o.Moving, pull, o.Workflow, string(params), againOf, o.Crashes, o.By, o.Approved, o.Reuse)
	return id, err
}

// Enqueue makes the next pipeline, which waits for the daemon to run o, and
// returns its number. It survives a power cut from then on.
func (d *DB) Enqueue(ctx context.Context, o Order) (id int64, err error) {
	err = d.durably(ctx, func(tx *sql.Tx) error {
		id, err = d.enqueue(ctx, tx, o, nil)
		return err
	})
	return id, err
}

const orderColumns = `p.id, o.repo, p.trigger, o.event, o.action, o.ref, p.commit_sha, p.branch, p.tag, o.moving,
	p.status = 'on_hold', p.subject, p.author, o.pull, o.workflow, o.parameters, o.by, o.crashes, p.queued_time, o.approved, o.reuse_of`

func scanOrder(scan func(...any) error) (o Order, err error) {
	var pull, params string
	err = scan(&o.Pipeline, &o.Repo, &o.Trigger, &o.Event, &o.Action, &o.Ref, &o.Commit, &o.Branch, &o.Tag, &o.Moving,
		&o.Hold, &o.Subject, &o.Author, &pull, &o.Workflow, &params, &o.By, &o.Crashes, (*moment)(&o.Queued), &o.Approved, &o.Reuse)
	if err != nil {
		return o, err
	}
	if pull != "" {
		err = json.Unmarshal([]byte(pull), &o.Pull)
	}
	return o, errors.Join(err, json.Unmarshal([]byte(params), &o.Params))
}

// Waiting lists the orders that nobody has taken, oldest first, and those on
// hold among them.
func (d *DB) Waiting(ctx context.Context) ([]Order, error) {
	return d.untaken(ctx, "'queued', 'on_hold'")
}

// Held lists the orders that wait for somebody to approve them, oldest first.
func (d *DB) Held(ctx context.Context) ([]Order, error) {
	return d.untaken(ctx, "'on_hold'")
}

func (d *DB) untaken(ctx context.Context, statuses string) ([]Order, error) {
	rows, err := d.read.QueryContext(ctx, "SELECT "+orderColumns+` FROM pipelines AS p INDEXED BY pipelines_by_status JOIN orders AS o ON o.pipeline_id = p.id
		WHERE p.status IN (`+statuses+`) AND p.lease = '' ORDER BY p.id`)
	if err != nil {
		return nil, d.wrap(err)
	}
	all, err := collect(rows, scanOrder)
	return all, d.wrap(err)
}

// Order returns what a pipeline was asked to run; ErrNotFound where it is none
// of the daemon's.
func (d *DB) Order(ctx context.Context, pipeline int64) (Order, error) {
	row := d.read.QueryRowContext(ctx, "SELECT "+orderColumns+" FROM pipelines AS p JOIN orders AS o ON o.pipeline_id = p.id WHERE p.id = ?", pipeline)
	o, err := scanOrder(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("the order of pipeline #%d: %w", pipeline, ErrNotFound)
	}
	return o, d.wrap(err)
}

// Claim takes a waiting order for the process that lease names, and says
// whether it was still there to be taken.
func (d *DB) Claim(ctx context.Context, pipeline int64, lease string) (taken bool, err error) {
	err = d.durably(ctx, func(tx *sql.Tx) error {
		taken, err = changed(tx.ExecContext(ctx, "UPDATE pipelines SET lease = ?, seen_time = ? WHERE id = ? AND status = 'queued' AND lease = ''",
			lease, moment(time.Now()), pipeline))
		return err
	})
	return taken, err
}

// Settle brings the end of a pipeline to the disk, so that not even a power
// cut makes it run again.
func (d *DB) Settle(ctx context.Context, pipeline int64) error {
	return d.durably(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, settle, pipeline)
		return err
	})
}

const settle = "UPDATE orders SET settled = 1 WHERE pipeline_id = ?"

// ErrNotWaiting is wrapped by the error about a pipeline that does not wait for
// what was asked of it.
var ErrNotWaiting = errors.New("does not wait")

// Approve lets a pipeline on hold run: exactly the commit it was made for.
func (d *DB) Approve(ctx context.Context, pipeline int64, by string) error {
	return d.durably(ctx, func(tx *sql.Tx) error {
		is, err := changed(tx.ExecContext(ctx, `UPDATE pipelines SET status = 'queued', reason = '' WHERE id = ? AND status = 'on_hold' AND lease = ''
			AND id IN (SELECT pipeline_id FROM orders)`, pipeline))
		if err == nil && !is {
			err = fmt.Errorf("pipeline #%d %w for an approval", pipeline, ErrNotWaiting)
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE orders SET by = ?, approved = 1 WHERE pipeline_id = ?", by, pipeline)
		return err
	})
}

// CancelWaiting ends a pipeline that nobody has taken yet; ErrNotWaiting where
// somebody has.
func (d *DB) CancelWaiting(ctx context.Context, pipeline int64, reason string) error {
	return d.durably(ctx, func(tx *sql.Tx) error {
		is, err := changed(tx.ExecContext(ctx, cancelWaiting+" AND id = ?", moment(time.Now()), reason, pipeline))
		if err == nil && !is {
			err = fmt.Errorf("pipeline #%d %w to be run", pipeline, ErrNotWaiting)
		}
		return err
	})
}

const cancelWaiting = `UPDATE pipelines SET status = 'canceled', end_time = ?, reason = ? WHERE status IN ('queued', 'on_hold') AND lease = ''`

// changed says whether a statement changed a row.
func changed(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// mostCrashes is how often a pipeline may end with the process that runs it.
const mostCrashes = 2

// Requeue orders again what was interrupted: once, where the process died
// while it ran; always, where it had not begun or was handed back. What passed
// in it is taken over. It returns the numbers of the new pipelines, and of
// those that are given up: they died too often.
func (d *DB) Requeue(ctx context.Context) (again, lost []int64, err error) {
	err = d.durably(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT "+orderColumns+`, p.start_time IS NOT NULL, p.reason <> ? FROM orders AS o JOIN pipelines AS p ON p.id = o.pipeline_id
			WHERE o.settled = 0 AND p.status = 'interrupted' AND NOT EXISTS (SELECT 1 FROM orders AS n WHERE n.again_of = p.id) ORDER BY p.id`, HandedBack)
		if err != nil {
			return err
		}
		orders, err := collect(rows, scanInterrupted)
		if err != nil {
			return err
		}
		for _, o := range orders {
			if o.Crashes >= mostCrashes {
				lost = append(lost, o.Pipeline)
				if _, err := tx.ExecContext(ctx, settle, o.Pipeline); err != nil {
					return err
				}
				continue
			}
			id, err := d.enqueue(ctx, tx, o, o.Pipeline)
			if err != nil {
				return err
			}
			again = append(again, id)
		}
		return nil
	})
	return again, lost, err
}

// HandedBack is the reason of a pipeline that a daemon which ends gives back
// to the queue.
const HandedBack = "handed back: the daemon ended"

func scanInterrupted(scan func(...any) error) (o Order, err error) {
	var begun, died bool
	o, err = scanOrder(func(columns ...any) error { return scan(append(columns, &begun, &died)...) })
	if begun {
		o.Reuse = o.Pipeline
	}
	if begun && died {
		o.Crashes++
	}
	return o, err
}
