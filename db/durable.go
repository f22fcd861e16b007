package db

import (
	"context"
	"database/sql"
	"errors"
)

// durably runs do in one transaction of the writing connection, and returns
// only when it would survive a power cut. Other transactions need not: NORMAL
// leaves it to later ones to bring them to the disk.
// https://sqlite.org/pragma.html#pragma_synchronous
func (d *DB) durably(ctx context.Context, do func(*sql.Tx) error) (err error) {
	if d.write == nil {
		return d.wrap(errReadOnly)
	}
	conn, err := d.write.Conn(ctx) // the only one: whoever else writes waits in line for it
	if err != nil {
		return d.wrap(err)
	}
	defer func() { err = errors.Join(err, d.wrap(conn.Close())) }()
	if _, err := conn.ExecContext(ctx, "PRAGMA synchronous = FULL"); err != nil {
		return d.wrap(err)
	}
	// It goes back to the pool as it was; a connection that cannot is closed by the pool.
	defer func() {
		_, back := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA synchronous = NORMAL")
		err = errors.Join(err, d.wrap(back))
	}()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return d.wrap(err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // SQLite has done that already, or does when the connection is closed
		return d.wrap(cancelled(ctx, err))
	}
	return d.wrap(cancelled(ctx, tx.Commit()))
}

// rewind moves what the log of the database holds into the database, so that
// the log is written from its beginning again: on a full disk neither can grow,
// but what the log takes already is there to be used.
// https://sqlite.org/pragma.html#pragma_wal_checkpoint
func (d *DB) rewind(ctx context.Context) {
	_, _ = d.write.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)") // where that fails too, nothing has changed
}
