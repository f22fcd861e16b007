package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/mattn/go-sqlite3"
)

// migrations holds the schema as numbered files: 0001_history.sql makes
// version 1 out of an empty file, 0002_… version 2 out of version 1.
//
//go:embed migrations/*.sql
var migrations embed.FS

// latest returns the version of the schema that this popsicle knows.
func latest() int {
	files, _ := migrations.ReadDir("migrations") // embedded: cannot fail
	return len(files)
}

// errNewer says that the file was made by a newer popsicle.
func errNewer(version int) error {
	return fmt.Errorf("made by a newer popsicle (schema %d, this one knows %d); update popsicle", version, latest())
}

// querier is what both a pool and a transaction can do.
type querier interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

// schemaVersion returns how many migrations the file has seen.
func schemaVersion(ctx context.Context, q querier) (version int, err error) {
	err = q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	return version, err
}

// migrate brings the schema up to date, all or nothing.
func migrate(ctx context.Context, pool *sql.DB) error {
	version, err := firstContact(ctx, pool)
	switch {
	case err != nil:
		return err
	case version == latest():
		return nil
	case version > latest():
		return errNewer(version)
	}
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := applyMigrations(ctx, tx); err != nil {
		_ = tx.Rollback() // the caller closes the file
		return err
	}
	return tx.Commit()
}

// firstContact reads the version over the pool's first connection. That
// connection turns a new file into WAL mode, and SQLite does not wait, as it
// does elsewhere, when two processes do that at the same moment: so we ask
// again, for a while.
func firstContact(ctx context.Context, pool *sql.DB) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		version, err := schemaVersion(ctx, pool)
		if !isCode(err, sqlite3.ErrBusy) {
			return version, err
		}
		select {
		case <-ctx.Done():
			return 0, errors.Join(err, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// applyMigrations runs the migrations that the file has not seen. The
// version is read again: another process may have migrated in between.
func applyMigrations(ctx context.Context, tx *sql.Tx) error {
	version, err := schemaVersion(ctx, tx)
	if err != nil {
		return err
	}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	for ; version < len(files); version++ {
		script, err := migrations.ReadFile(files[version])
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(script)); err != nil {
			return fmt.Errorf("%s: %w", files[version], err)
		}
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
	return err
}
