package db

import (
	"context"
	"database/sql"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// isOpen is the condition that something has not ended.
const isOpen = "status IN ('queued', 'running', 'on_hold')"

// CloseAbandoned closes, as interrupted, the pipelines whose process has
// died: those that have not ended and whose lease is not alive. It returns
// their numbers. Any process may call it at any time.
func (d *DB) CloseAbandoned(ctx context.Context, alive func(lease string) bool) ([]int64, error) {
	rows, err := d.read.QueryContext(ctx, "SELECT id, lease FROM pipelines INDEXED BY pipelines_by_status WHERE "+isOpen+" ORDER BY id")
	if err != nil {
		return nil, d.wrap(err)
	}
	open, err := collect(rows, func(scan func(...any) error) (p Pipeline, err error) {
		err = scan(&p.ID, &p.Lease)
		return p, err
	})
	if err != nil {
		return nil, d.wrap(err)
	}
	var closed []int64
	for _, p := range open {
		if alive(p.Lease) {
			continue
		}
		var was bool
		err := d.update(ctx, func(tx *sql.Tx) (err error) {
			was, err = interrupt(ctx, tx, p.ID)
			return err
		})
		if err != nil {
			return closed, err
		}
		if was {
			closed = append(closed, p.ID)
		}
	}
	return closed, nil
}

// interrupt closes what is open of a pipeline, at the time of its last sign
// of life, and says whether the pipeline itself was. What has ended already
// is left alone.
func interrupt(ctx context.Context, tx *sql.Tx, pipeline int64) (was bool, err error) {
	var seen moment
	if err := tx.QueryRowContext(ctx, "SELECT seen_time FROM pipelines WHERE id = ?", pipeline).Scan(&seen); err != nil {
		return false, err
	}
	jobs, err := openJobs(ctx, tx, pipeline)
	if err != nil {
		return false, err
	}
	for _, job := range jobs {
		if err := finishJob(ctx, tx, job, event.Interrupted, time.Time(seen)); err != nil {
			return false, err
		}
	}
	var changed int64
	for _, query := range []string{
		"UPDATE jobs SET status = ?, end_time = ? WHERE pipeline_id = ? AND " + isOpen,
		"UPDATE workflows SET status = ?, end_time = ? WHERE pipeline_id = ? AND " + isOpen,
		"UPDATE pipelines SET status = ?, end_time = ? WHERE id = ? AND " + isOpen, // last: it says what was
	} {
		result, err := tx.ExecContext(ctx, query, event.Interrupted, seen, pipeline)
		if err != nil {
			return false, err
		}
		if changed, err = result.RowsAffected(); err != nil {
			return false, err
		}
	}
	return changed > 0, nil
}

func openJobs(ctx context.Context, tx *sql.Tx, pipeline int64) ([]int64, error) {
	rows, err := tx.QueryContext(ctx, "SELECT id FROM jobs WHERE pipeline_id = ? AND "+isOpen, pipeline)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(scan func(...any) error) (id int64, err error) {
		err = scan(&id)
		return id, err
	})
}
