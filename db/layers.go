package db

import (
	"context"
	"database/sql"
	"iter"
	"time"
)

// A Layer is what one persist_to_workspace step of a job added to the
// workspace of its workflow.
type Layer struct {
	ID       int64
	Pipeline int64
	Workflow string
	Job      string
	Node     int
	Step     int
	Blob     string // ID of the content in the stash
	Names    string // ID of the list of its files' names
	Files    int
	Bytes    int64 // of the content
	Stored   int64 // bytes that it added to the stash
	Created  time.Time
	Used     time.Time
	Open     bool // its pipeline is not over; PutLayer ignores it
}

const layerColumns = `l.id, l.pipeline_id, l.workflow, l.job, l.node, l.step, l.blob, l.names, l.files, l.bytes, l.stored, l.created_time, l.used_time,
	EXISTS (SELECT 1 FROM pipelines p WHERE p.id = l.pipeline_id AND p.status IN ('queued', 'running', 'on_hold'))`

func scanLayer(scan func(...any) error) (l Layer, err error) {
	err = scan(&l.ID, &l.Pipeline, &l.Workflow, &l.Job, &l.Node, &l.Step, &l.Blob, &l.Names, &l.Files, &l.Bytes, &l.Stored,
		(*moment)(&l.Created), (*moment)(&l.Used), &l.Open)
	return l, err
}

// PutLayer remembers a layer, in place of one that the same step of the same
// job left before: a job that is run again in its pipeline.
func (d *DB) PutLayer(ctx context.Context, l Layer) error {
	return d.change(ctx, `INSERT OR REPLACE INTO layers (pipeline_id, workflow, job, node, step, blob, names, files, bytes, stored, created_time, used_time)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		l.Pipeline, l.Workflow, l.Job, l.Node, l.Step, l.Blob, l.Names, l.Files, l.Bytes, l.Stored, moment(l.Created), moment(l.Used))
}

// Layers lists the layers of a workflow's workspace, and remembers that they
// were used. Those of a job follow each other by container and step.
func (d *DB) Layers(ctx context.Context, pipeline int64, workflow string, used time.Time) (layers []Layer, err error) {
	err = d.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE layers SET used_time = ? WHERE pipeline_id = ? AND workflow = ?", moment(used), pipeline, workflow); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, "SELECT "+layerColumns+" FROM layers l WHERE pipeline_id = ? AND workflow = ? ORDER BY job, node, step", pipeline, workflow)
		if err != nil {
			return err
		}
		layers, err = collect(rows, scanLayer)
		return err
	})
	return layers, err
}

// AllLayers lists the layers of all workspaces, the last used first.
func (d *DB) AllLayers(ctx context.Context) ([]Layer, error) {
	rows, err := d.read.QueryContext(ctx, "SELECT "+layerColumns+" FROM layers l ORDER BY used_time DESC, id DESC")
	if err != nil {
		return nil, d.wrap(err)
	}
	layers, err := collect(rows, scanLayer)
	return layers, d.wrap(err)
}

// DeleteLayer forgets a layer; its content stays until the stash is swept.
func (d *DB) DeleteLayer(ctx context.Context, id int64) error {
	return d.change(ctx, "DELETE FROM layers WHERE id = ?", id)
}

// InheritLayers gives a pipeline the layers of a job of another one, which is
// how a rerun takes over what it need not do again.
func (d *DB) InheritLayers(ctx context.Context, from, to int64, workflow, job string) error {
	return d.change(ctx, `INSERT OR REPLACE INTO layers (pipeline_id, workflow, job, node, step, blob, names, files, bytes, stored, created_time, used_time)
		SELECT ?, workflow, job, node, step, blob, names, files, bytes, 0, created_time, used_time
		FROM layers WHERE pipeline_id = ? AND workflow = ? AND job = ?`, to, from, workflow, job)
}

// blobs are the columns with IDs of what is in the stash. WHOEVER KEEPS
// SOMETHING THERE NAMES THE COLUMN HERE: what is not in any is swept away.
const blobs = "SELECT blob FROM caches UNION SELECT blob FROM layers UNION SELECT names FROM layers UNION SELECT blob FROM packs"

// Blobs yields the IDs of all in the stash that the history knows of.
func (d *DB) Blobs(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		rows, err := d.read.QueryContext(ctx, blobs)
		scan := func(scan func(...any) error) (id string, err error) {
			err = scan(&id)
			return id, err
		}
		for id, err := range each(rows, err, scan) {
			if !yield(id, d.wrap(err)) {
				return
			}
		}
	}
}
