package db

import (
	"context"
	"database/sql"
	"maps"
	"slices"
)

// Moved remembers where the refs of a repository stand, by name, and returns
// those that are not where they stood the last time, sorted. At the first look
// at a repository there are none: what is old is no news.
func (d *DB) Moved(ctx context.Context, repo string, refs map[string]string) (moved []string, err error) {
	err = d.update(ctx, func(tx *sql.Tx) error {
		known, err := polled(ctx, tx, repo)
		if err != nil {
			return err
		}
		for _, ref := range slices.Sorted(maps.Keys(refs)) {
			if len(known) > 0 && known[ref] != refs[ref] {
				moved = append(moved, ref)
			}
		}
		if len(known) > 0 && len(moved) == 0 {
			return nil
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM polled WHERE repo = ?", repo); err != nil {
			return err
		}
		for ref, commit := range refs {
			if _, err := tx.ExecContext(ctx, "INSERT INTO polled (repo, ref, commit_sha) VALUES (?, ?, ?)", repo, ref, commit); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO polled (repo, ref, commit_sha) VALUES (?, '', '') ON CONFLICT DO NOTHING", repo)
		return err
	})
	return moved, err
}

func polled(ctx context.Context, tx *sql.Tx, repo string) (map[string]string, error) {
	rows, err := tx.QueryContext(ctx, "SELECT ref, commit_sha FROM polled WHERE repo = ?", repo)
	if err != nil {
		return nil, err
	}
	known := map[string]string{}
	_, err = collect(rows, func(scan func(...any) error) (struct{}, error) {
		var ref, commit string
		err := scan(&ref, &commit)
		known[ref] = commit
		return struct{}{}, err
	})
	return known, err
}
