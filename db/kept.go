package db

import (
	"context"
	"time"
)

// A Kept is the container of a failed job, kept on an engine.
type Kept struct {
	ID       int64
	Pipeline int64
	Workflow string
	Job      string
	Node     int
	Engine   string // the docker endpoint
	Image    string // its name: of an image, or of a container that has stopped
	About    string // what is needed to open it, in the words of whoever kept it
	Created  time.Time
}

// PutKept remembers a container.
func (d *DB) PutKept(ctx context.Context, k Kept) error {
	return d.change(ctx, "INSERT INTO kept (pipeline_id, workflow, job, node, engine, image, about, created_time) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		k.Pipeline, k.Workflow, k.Job, k.Node, k.Engine, k.Image, k.About, moment(k.Created))
}

// AllKept lists the kept containers, the newest first.
func (d *DB) AllKept(ctx context.Context) ([]Kept, error) {
	rows, err := d.read.QueryContext(ctx, `SELECT id, pipeline_id, workflow, job, node, engine, image, about, created_time
		FROM kept ORDER BY created_time DESC, id DESC`)
	if err != nil {
		return nil, d.wrap(err)
	}
	all, err := collect(rows, func(scan func(...any) error) (k Kept, err error) {
		err = scan(&k.ID, &k.Pipeline, &k.Workflow, &k.Job, &k.Node, &k.Engine, &k.Image, &k.About, (*moment)(&k.Created))
		return k, err
	})
	return all, d.wrap(err)
}

// ChangeKept says what has become of one.
func (d *DB) ChangeKept(ctx context.Context, id int64, image, about string) error {
	return d.change(ctx, "UPDATE kept SET image = ?, about = ? WHERE id = ?", image, about, id)
}

// DeleteKept forgets one.
func (d *DB) DeleteKept(ctx context.Context, id int64) error {
	return d.change(ctx, "DELETE FROM kept WHERE id = ?", id)
}
