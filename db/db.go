// Package db is the run history: one SQLite file that every popsicle process
// of this machine shares. It is the only package that knows SQL.
//
// A Recorder writes a run into it, from events alone. Everything that shows
// something reads it: pipelines, jobs and steps by queries, logs by Lines.
// Times are kept as unix milliseconds: they sort and compare as they are,
// and nothing has to be parsed before a list is on the screen.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/mattn/go-sqlite3" // also the "sqlite3" driver
)

// ErrNotFound is wrapped by the error about a row that does not exist.
var ErrNotFound = errors.New("not found")

// A DB is an open history. Its methods may be called from many goroutines.
type DB struct {
	Version string // of popsicle; written into the pipelines this process makes

	path  string
	read  *sql.DB // several connections, for queries alone
	write *sql.DB // one connection: SQLite has one writer at a time anyway; nil where the history is only read
	inbox inbox
	pulse pulse
}

// Open opens the history in the file at path to write into it. It makes the
// folder (0700) and the file (0600) where they are missing, and brings an
// older file up to date. A file made by a newer popsicle is refused.
func Open(ctx context.Context, path string) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("history %s: %w", path, err)
	}
	if err := touch(path); err != nil {
		return nil, fmt.Errorf("history %s: %w; choose another place with POPSICLE_HOME", path, err)
	}
	d, err := connect(path, writing, reading)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, d.write); err != nil {
		return nil, errors.Join(d.wrap(err), d.Close())
	}
	return d, nil
}

// OpenReadOnly opens the history in the file at path for queries. Nothing is
// written, so that it costs next to nothing; a file that does not exist is
// an empty history. Only a file made by an older popsicle is brought up to
// date first.
func OpenReadOnly(ctx context.Context, path string) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("history %s: %w", path, err)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return openEmpty(ctx, path)
	}
	d, err := connect(path, "", reading)
	if err != nil {
		return nil, err
	}
	switch version, err := schemaVersion(ctx, d.read); {
	case err != nil:
		return nil, errors.Join(d.wrap(err), d.Close())
	case version < latest():
		return reopen(ctx, d)
	case version > latest():
		return nil, errors.Join(d.wrap(errNewer(version)), d.Close())
	}
	return d, nil
}

// reopen closes d, whose schema is old, and opens its file to migrate it.
func reopen(ctx context.Context, d *DB) (*DB, error) {
	if err := d.Close(); err != nil {
		return nil, err
	}
	return Open(ctx, d.path)
}

// openEmpty returns a history without any pipelines that lives in memory.
func openEmpty(ctx context.Context, path string) (*DB, error) {
	pool, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		return nil, fmt.Errorf("history %s: %w", path, err)
	}
	pool.SetMaxOpenConns(1) // each connection to :memory: is a database of its own
	d := &DB{path: path, read: pool}
	if err := migrate(ctx, pool); err != nil {
		return nil, errors.Join(d.wrap(err), d.Close())
	}
	return d, nil
}

// The settings of a connection stand in its data source name: a pragma that
// is run once reaches one connection of a pool, not the others.
const (
	// A transaction takes the write lock at its start: one that reads first
	// would fail at its first write when another process was faster, and no
	// timeout helps against that. NORMAL means that a crash of popsicle
	// loses nothing and a power cut the last transactions, never the file.
	writing = "_journal_mode=WAL&_synchronous=NORMAL&_busy_timeout=10000&_txlock=immediate&_foreign_keys=1&_stmt_cache_size=64"
	// mode=ro also keeps the last reader from tidying the file at its end.
	reading = "mode=ro&_query_only=1&_busy_timeout=10000&_stmt_cache_size=16"
)

// connect makes the pools; no connection is opened before it is needed. The
// pool to write with is left out where write is empty.
func connect(path, write, read string) (*DB, error) {
	d := &DB{path: path}
	var err error
	if d.read, err = sql.Open("sqlite3", dsn(path, read)); err != nil {
		return nil, d.wrap(err)
	}
	d.read.SetMaxIdleConns(4)
	if write == "" {
		return d, nil
	}
	if d.write, err = sql.Open("sqlite3", dsn(path, write)); err != nil {
		return nil, d.wrap(err)
	}
	d.write.SetMaxOpenConns(1)
	return d, nil
}

// dsn names the file at path, which is absolute, with settings.
func dsn(path, settings string) string {
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + settings
}

// touch makes the file at path, readable by its owner alone, before SQLite
// would make it readable by everyone. SQLite gives its companions (-wal,
// -shm) the mode of the file.
func touch(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Close closes the history. Recorders must have been closed before.
func (d *DB) Close() error {
	err := d.read.Close()
	if d.write != nil {
		err = errors.Join(err, d.write.Close())
	}
	return d.wrap(err)
}

// Path returns the file of the history.
func (d *DB) Path() string { return d.path }

// wrap says which file an error is about, and what to do about it.
func (d *DB) wrap(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrEnded), errors.Is(err, ErrTaken): // the file is in order
		return err
	case isFull(err):
		return fmt.Errorf("history %s: %w; the disk is full: make room on that disk (popsicle gc removes what popsicle keeps there, but no logs), or move the folder to a larger one and name it in POPSICLE_HOME", d.path, err)
	case isCode(err, sqlite3.ErrCorrupt, sqlite3.ErrNotADB):
		return fmt.Errorf("history %[1]s: %[2]w; move the file aside to start a new history: mkdir %[1]s.broken && mv %[1]s %[1]s-* %[1]s.broken/ "+
			"(sqlite3 FILE .recover may read what is left of it)", d.path, err)
	case isCode(err, sqlite3.ErrBusy, sqlite3.ErrLocked):
		return fmt.Errorf("history %[1]s: %[2]w; another program has held it for ten seconds, a SQLite shell or a backup maybe: "+
			"end it (fuser %[1]s names it), then try again", d.path, err)
	case isDir(d.path):
		return fmt.Errorf("history %s: %w; it is a folder: move it away, or choose another place with POPSICLE_HOME", d.path, err)
	case isCode(err, sqlite3.ErrReadonly, sqlite3.ErrCantOpen): // SQLite writes beside the file even to read it
		return fmt.Errorf("history %s: %w; make its folder writable, or choose another place with POPSICLE_HOME", d.path, err)
	}
	return fmt.Errorf("history %s: %w", d.path, err)
}

// isFull says whether there was no room on the disk, which SQLite tells in two
// ways.
func isFull(err error) bool {
	var reason sqlite3.Error
	return errors.As(err, &reason) && (reason.Code == sqlite3.ErrFull || reason.SystemErrno == syscall.ENOSPC)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// isCode says whether SQLite gave one of codes as the reason for err.
func isCode(err error, codes ...sqlite3.ErrNo) bool {
	var reason sqlite3.Error
	return errors.As(err, &reason) && slices.Contains(codes, reason.Code)
}

// errReadOnly is what a history opened by OpenReadOnly says to a writer.
var errReadOnly = errors.New("opened to be read only")

// update runs do in one transaction of the writing connection.
func (d *DB) update(ctx context.Context, do func(*sql.Tx) error) error {
	if d.write == nil {
		return d.wrap(errReadOnly)
	}
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return d.wrap(err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // SQLite has done that already, or does when the connection is closed
		return d.wrap(cancelled(ctx, err))
	}
	return d.wrap(cancelled(ctx, tx.Commit()))
}

// cancelled is what ended a transaction whose context is over: database/sql
// rolls it back by itself, and then knows only that it is gone.
func cancelled(ctx context.Context, err error) error {
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// change runs one statement in a transaction of its own.
func (d *DB) change(ctx context.Context, query string, args ...any) error {
	return d.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
}
