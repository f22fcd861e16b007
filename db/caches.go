package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A Cache is what a project kept under a key.
type Cache struct {
	ID       int64
	Project  string // the repository, or the checkout where it has no remote
	Scope    string // empty: the project's own; what is not trusted has one of its own
	Key      string
	Blob     string // ID of the content in the stash
	Paths    []string
	Files    int
	Bytes    int64 // of the content
	Stored   int64 // bytes that it added to the stash
	Pipeline int64 // that saved it; 0: one that is forgotten
	Job      string
	Created  time.Time
	Used     time.Time
}

const cacheColumns = "id, project, scope, key, blob, paths, files, bytes, stored, coalesce(pipeline_id, 0), job, created_time, used_time"

func scanCache(scan func(...any) error) (c Cache, err error) {
	err = scan(&c.ID, &c.Project, &c.Scope, &c.Key, &c.Blob, (*list[string])(&c.Paths), &c.Files, &c.Bytes, &c.Stored,
		&c.Pipeline, &c.Job, (*moment)(&c.Created), (*moment)(&c.Used))
	return c, err
}

// PutCache remembers a cache, unless its key is taken: of two that save one
// key at once the first wins. The ID of c does not matter.
func (d *DB) PutCache(ctx context.Context, c Cache) (won bool, err error) {
	err = d.update(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO caches (project, scope, key, blob, paths, files, bytes, stored, pipeline_id, job, created_time, used_time)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, (SELECT id FROM pipelines WHERE id = ?), ?, ?, ?) ON CONFLICT DO NOTHING`,
			c.Project, c.Scope, c.Key, c.Blob, list[string](c.Paths), c.Files, c.Bytes, c.Stored, c.Pipeline, c.Job, moment(c.Created), moment(c.Used))
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		won = n == 1
		return err
	})
	return won, err
}

// CacheOf returns the cache of exactly this key, or ErrNotFound.
func (d *DB) CacheOf(ctx context.Context, project, scope, key string) (Cache, error) {
	return d.oneCache(ctx, key, "WHERE project = ? AND scope = ? AND key = ?", project, scope, key)
}

// NewestCache returns the cache that was saved last of those whose keys begin
// with prefix, even if one has exactly this key; or ErrNotFound.
func (d *DB) NewestCache(ctx context.Context, project, scope, prefix string) (Cache, error) {
	return d.oneCache(ctx, prefix, `WHERE project = ? AND scope = ? AND key >= ?3 AND substr(key, 1, length(?3)) = ?3
		ORDER BY created_time DESC, id DESC LIMIT 1`, project, scope, prefix)
}

func (d *DB) oneCache(ctx context.Context, key, where string, args ...any) (Cache, error) {
	c, err := scanCache(d.read.QueryRowContext(ctx, "SELECT "+cacheColumns+" FROM caches "+where, args...).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("cache %s: %w", key, ErrNotFound)
	}
	return c, d.wrap(err)
}

// Caches lists the caches of a project, of all scopes, or those of all
// projects where project is empty, the last used first.
func (d *DB) Caches(ctx context.Context, project string) ([]Cache, error) {
	rows, err := d.read.QueryContext(ctx, "SELECT "+cacheColumns+" FROM caches WHERE ?1 IN (project, '') ORDER BY used_time DESC, id DESC", project)
	if err != nil {
		return nil, d.wrap(err)
	}
	caches, err := collect(rows, scanCache)
	return caches, d.wrap(err)
}

// TouchCache remembers that a cache was used.
func (d *DB) TouchCache(ctx context.Context, id int64, used time.Time) error {
	return d.change(ctx, "UPDATE caches SET used_time = ? WHERE id = ?", moment(used), id)
}

// DeleteCache forgets a cache; its content stays until the stash is swept.
func (d *DB) DeleteCache(ctx context.Context, id int64) error {
	return d.change(ctx, "DELETE FROM caches WHERE id = ?", id)
}
