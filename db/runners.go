package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A Runner is an engine that jobs have run on, or that the user has added for
// jobs to run on: that one has a name.
type Runner struct {
	ID      int64
	Host    string    // the docker endpoint: "ssh://ci@big", "context NAME"
	Name    string    // what the user calls it; empty: it was not added
	Arch    string    // as Go names it, when last it answered; empty: it never did
	Labels  []string  // what jobs ask for with their resource_class
	MaxJobs int       // jobs at once; 0: popsicle decides
	TLSDir  string    // folder with ca.pem, cert.pem and key.pem; empty: no TLS
	Seen    time.Time // when a job last started there
}

// Runners returns the engines of this history by their hosts.
func (d *DB) Runners(ctx context.Context) ([]Runner, error) {
	rows, err := d.read.QueryContext(ctx, "SELECT id, host, name, arch, labels, max_jobs, tls_dir, seen_time FROM runners ORDER BY host")
	if err != nil {
		return nil, d.wrap(err)
	}
	runners, err := collect(rows, func(scan func(...any) error) (r Runner, err error) {
		err = scan(&r.ID, &r.Host, &r.Name, &r.Arch, (*list[string])(&r.Labels), &r.MaxJobs, &r.TLSDir, (*moment)(&r.Seen))
		return r, err
	})
	return runners, d.wrap(err)
}

// AddRunner gives an engine a name. Its name and its host must not be those of
// another that was added (ErrTaken).
func (d *DB) AddRunner(ctx context.Context, r Runner) error {
	return d.update(ctx, func(tx *sql.Tx) error {
		var name, host string
		err := tx.QueryRowContext(ctx, "SELECT name, host FROM runners WHERE name = ?1 OR host = ?2 AND name <> ''", r.Name, r.Host).Scan(&name, &host)
		switch {
		case err == nil:
			return fmt.Errorf("runner %s, %s: %w", name, host, ErrTaken)
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO runners (host, name, arch, labels, max_jobs, tls_dir) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
			ON CONFLICT (host) DO UPDATE SET name = ?2, arch = ?3, labels = ?4, max_jobs = ?5, tls_dir = ?6`,
			r.Host, r.Name, r.Arch, list[string](r.Labels), r.MaxJobs, r.TLSDir)
		return err
	})
}

// RemoveRunner takes an engine's name from it, so that no job is given to it
// any more, or returns ErrNotFound. The jobs that ran there still say so.
func (d *DB) RemoveRunner(ctx context.Context, name string) error {
	return d.update(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, "UPDATE runners SET name = '', labels = '[]', max_jobs = 0, tls_dir = '' WHERE name = ? AND name <> ''", name)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return fmt.Errorf("runner %s: %w", name, ErrNotFound)
	})
}

// SetRunnerArch remembers the architecture that an engine told of itself.
func (d *DB) SetRunnerArch(ctx context.Context, host, arch string) error {
	return d.change(ctx, "UPDATE runners SET arch = ? WHERE host = ?", arch, host)
}
