package db

import (
	"context"
	"time"
)

// A Runner is an engine that jobs have run on.
type Runner struct {
	ID   int64
	Host string    // the docker endpoint
	Seen time.Time // when a job last started there
}

// Runners returns the engines of this history by their hosts.
func (d *DB) Runners(ctx context.Context) ([]Runner, error) {
	rows, err := d.read.QueryContext(ctx, "SELECT id, host, seen_time FROM runners ORDER BY host")
	if err != nil {
		return nil, d.wrap(err)
	}
	runners, err := collect(rows, func(scan func(...any) error) (r Runner, err error) {
		err = scan(&r.ID, &r.Host, (*moment)(&r.Seen))
		return r, err
	})
	return runners, d.wrap(err)
}
