package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// ErrEnded is wrapped by the error about a pipeline that can no longer be
// changed.
var ErrEnded = errors.New("has ended")

// RequestCancel asks the process that runs a pipeline to end it: that one
// looks into the history again and again. by says who asked. Asking twice is
// no mistake; a pipeline that has ended is (ErrEnded).
func (d *DB) RequestCancel(ctx context.Context, pipeline int64, by string) error {
	return d.update(ctx, func(tx *sql.Tx) error {
		var status event.Status
		err := tx.QueryRowContext(ctx, "SELECT status FROM pipelines WHERE id = ?", pipeline).Scan(&status)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return fmt.Errorf("pipeline #%d: %w", pipeline, ErrNotFound)
		case err != nil:
			return err
		case status.Ended():
			return fmt.Errorf("pipeline #%d %w as %s", pipeline, ErrEnded, status)
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO cancels (pipeline_id, time, by) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
			pipeline, moment(time.Now()), by)
		return err
	})
}

// CancelRequested says whether somebody asked to end a pipeline, and who.
func (d *DB) CancelRequested(ctx context.Context, pipeline int64) (by string, asked bool, err error) {
	err = d.read.QueryRowContext(ctx, "SELECT by FROM cancels WHERE pipeline_id = ?", pipeline).Scan(&by)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return by, err == nil, d.wrap(err)
}
