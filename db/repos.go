package db

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// A Repo is a repository whose webhooks the daemon takes.
type Repo struct {
	Name     string   // "owner/name"
	URL      string   // where it is fetched from
	Events   []string // that start pipelines; none: push and pull_request
	Contexts []string // that its jobs may use
	Added    time.Time
}

// PutRepo adds a repository, or changes the one of this name.
func (d *DB) PutRepo(ctx context.Context, r Repo) error {
	return d.change(ctx, `INSERT INTO repos (name, url, events, contexts, added_time) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET url = excluded.url, events = excluded.events, contexts = excluded.contexts`,
		r.Name, r.URL, list[string](r.Events), list[string](r.Contexts), moment(time.Now()))
}

// DeleteRepo removes a repository; one that is not there is an ErrNotFound.
func (d *DB) DeleteRepo(ctx context.Context, name string) error {
	return d.update(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "DELETE FROM repos WHERE name = ?", name)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return fmt.Errorf("repository %s: %w", name, ErrNotFound)
	})
}

// Repos lists the repositories by name.
func (d *DB) Repos(ctx context.Context) ([]Repo, error) {
	rows, err := d.read.QueryContext(ctx, "SELECT name, url, events, contexts, added_time FROM repos ORDER BY name")
	if err != nil {
		return nil, d.wrap(err)
	}
	all, err := collect(rows, func(scan func(...any) error) (r Repo, err error) {
		err = scan(&r.Name, &r.URL, (*list[string])(&r.Events), (*list[string])(&r.Contexts), (*moment)(&r.Added))
		return r, err
	})
	return all, d.wrap(err)
}
