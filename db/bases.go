package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A Base is a tree that lies on an engine as an immutable volume.
type Base struct {
	Engine   string // the docker endpoint
	Name     string // of the volume
	Root     string // the checkout it was read from
	Tree     string // git tree hash
	UID, GID int    // whom the files belong to
	Bytes    int64
	Files    int
	Created  time.Time
	Used     time.Time
	Manifest []byte // what lies in it, in the words of whoever filled it; Bases leaves it out
}

const baseColumns = "engine, name, root, tree, uid, gid, bytes, files, created_time, used_time"

func (b *Base) columns() []any {
	return []any{&b.Engine, &b.Name, &b.Root, &b.Tree, &b.UID, &b.GID, &b.Bytes, &b.Files, (*moment)(&b.Created), (*moment)(&b.Used)}
}

// PutBase remembers b in place of one of the same name on the same engine.
func (d *DB) PutBase(ctx context.Context, b Base) error {
	manifest := b.Manifest
	if manifest == nil {
		manifest = []byte{}
	}
	return d.change(ctx, "INSERT OR REPLACE INTO bases ("+baseColumns+", manifest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		b.Engine, b.Name, b.Root, b.Tree, b.UID, b.GID, b.Bytes, b.Files, moment(b.Created), moment(b.Used), manifest)
}

// NewestBase returns the base that was made last of a checkout, on an engine
// and for a user, or ErrNotFound.
func (d *DB) NewestBase(ctx context.Context, engine, root string, uid int) (b Base, err error) {
	err = d.read.QueryRowContext(ctx, "SELECT "+baseColumns+`, manifest FROM bases
		WHERE engine = ? AND root = ? AND uid = ? ORDER BY created_time DESC, id DESC LIMIT 1`, engine, root, uid).
		Scan(append(b.columns(), &b.Manifest)...)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("base of %s for user %d on %s: %w", root, uid, engine, ErrNotFound)
	}
	return b, d.wrap(err)
}

// TouchBase remembers that a base was used.
func (d *DB) TouchBase(ctx context.Context, engine, name string, used time.Time) error {
	return d.change(ctx, "UPDATE bases SET used_time = ? WHERE engine = ? AND name = ?", moment(used), engine, name)
}

// Bases lists the bases on an engine, or on all where engine is empty, those
// first that were not used for the longest time.
func (d *DB) Bases(ctx context.Context, engine string) ([]Base, error) {
	rows, err := d.read.QueryContext(ctx, "SELECT "+baseColumns+" FROM bases WHERE ?1 IN (engine, '') ORDER BY used_time, id", engine)
	if err != nil {
		return nil, d.wrap(err)
	}
	bases, err := collect(rows, func(scan func(...any) error) (b Base, err error) {
		err = scan(b.columns()...)
		return b, err
	})
	return bases, d.wrap(err)
}

// DeleteBase forgets a base; its volume is the caller's to remove.
func (d *DB) DeleteBase(ctx context.Context, engine, name string) error {
	return d.change(ctx, "DELETE FROM bases WHERE engine = ? AND name = ?", engine, name)
}
