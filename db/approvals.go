package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// An Approval is what somebody said of an approval job.
type Approval struct {
	Approved bool // else rejected
	By       string
}

// Answer approves or rejects the approval job at a place in a pipeline, which
// the process that runs the pipeline looks for. It may come before the job's
// turn. The first answer counts; a job that has ended takes none (ErrEnded).
func (d *DB) Answer(ctx context.Context, pipeline int64, position int, a Approval) error {
	return d.update(ctx, func(tx *sql.Tx) error {
		var name string
		var status event.Status
		err := tx.QueryRowContext(ctx, "SELECT job_name, status FROM jobs WHERE pipeline_id = ? AND position = ? AND kind = 'approval'",
			pipeline, position).Scan(&name, &status)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return fmt.Errorf("approval job %d of pipeline #%d: %w", position, pipeline, ErrNotFound)
		case err != nil:
			return err
		case status.Ended():
			return fmt.Errorf("job %s of pipeline #%d %w as %s", name, pipeline, ErrEnded, status)
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO approvals (pipeline_id, job, approved, time, by) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			pipeline, position, a.Approved, moment(time.Now()), a.By)
		return err
	})
}

// Approval returns what was said of an approval job, if anything was.
func (d *DB) Approval(ctx context.Context, pipeline int64, position int) (a Approval, said bool, err error) {
	err = d.read.QueryRowContext(ctx, "SELECT approved, by FROM approvals WHERE pipeline_id = ? AND job = ?", pipeline, position).Scan(&a.Approved, &a.By)
	if errors.Is(err, sql.ErrNoRows) {
		return a, false, nil
	}
	return a, err == nil, d.wrap(err)
}
