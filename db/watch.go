package db

import (
	"context"
	"database/sql"
)

// A Watch notices that anything in the history was written, by any process.
// It is not safe for use by several goroutines.
type Watch struct {
	db   *DB
	conn *sql.Conn
	seen int64
}

// Watch begins to watch. It keeps a connection until Close.
func (d *DB) Watch(ctx context.Context) (*Watch, error) {
	conn, err := d.read.Conn(ctx)
	if err != nil {
		return nil, d.wrap(err)
	}
	return &Watch{db: d, conn: conn, seen: -1}, nil
}

// Changed says whether something was written since it was last asked; the
// first time it says yes. It reads a counter in memory that all processes
// share, not the file: https://sqlite.org/pragma.html#pragma_data_version.
func (w *Watch) Changed(ctx context.Context) (bool, error) {
	var now int64
	if err := w.conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&now); err != nil {
		return false, w.db.wrap(err)
	}
	changed := now != w.seen
	w.seen = now
	return changed, nil
}

// Close ends the watch.
func (w *Watch) Close() error { return w.conn.Close() }
