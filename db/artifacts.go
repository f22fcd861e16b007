package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// An Artifact is a file that a step of a job kept. Its bytes are those of a
// content of the stash, from Offset on.
type Artifact struct {
	JobID    int64
	Workflow string
	Job      string
	Node     int // the container among the job's parallel ones, from 0
	Path     string
	Size     int64 // bytes
	Blob     string
	Offset   int64
}

const artifactColumns = `j.id, j.workflow, j.job_name, j.node, a.path, a.size, p.blob, a.start
	FROM jobs AS j JOIN artifacts AS a ON a.job_id = j.id JOIN packs AS p ON p.id = a.pack_id`

func scanArtifact(scan func(...any) error) (a Artifact, err error) {
	err = scan(&a.JobID, &a.Workflow, &a.Job, &a.Node, &a.Path, &a.Size, &a.Blob, &a.Offset)
	return a, err
}

// Artifacts yields the artifacts of a pipeline, in the order of its plan and
// then of their paths. An error ends them.
func (d *DB) Artifacts(ctx context.Context, pipeline int64) iter.Seq2[Artifact, error] {
	return func(yield func(Artifact, error) bool) {
		rows, err := d.read.QueryContext(ctx, "SELECT "+artifactColumns+" WHERE j.pipeline_id = ? ORDER BY j.position, j.node, a.path", pipeline)
		for a, err := range each(rows, err, scanArtifact) {
			if !yield(a, d.wrap(err)) {
				return
			}
		}
	}
}

// Artifact returns the artifact of a job at a path, or ErrNotFound.
func (d *DB) Artifact(ctx context.Context, job int64, path string) (Artifact, error) {
	a, err := scanArtifact(d.read.QueryRowContext(ctx, "SELECT "+artifactColumns+" WHERE a.job_id = ? AND a.path = ?", job, path).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("artifact %s of job %d: %w", path, job, ErrNotFound)
	}
	return a, d.wrap(err)
}

// ArtifactBlobs yields the IDs of all contents of the stash that artifacts
// are in: what must stay there. An error ends them.
func (d *DB) ArtifactBlobs(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		rows, err := d.read.QueryContext(ctx, "SELECT DISTINCT blob FROM packs")
		for blob, err := range each(rows, err, func(scan func(...any) error) (blob string, err error) {
			err = scan(&blob)
			return blob, err
		}) {
			if !yield(blob, d.wrap(err)) {
				return
			}
		}
	}
}

// Dropped is what DropArtifacts took out of the history.
type Dropped struct {
	Files int
	Bytes int64 // of the files; the stash frees what nothing else is in
}

// DropArtifacts forgets the artifacts of before, and then the oldest until
// what is left has at most keep bytes; keep below 0 is no limit. Their content
// leaves the stash with its next sweep.
func (d *DB) DropArtifacts(ctx context.Context, before time.Time, keep int64) (gone Dropped, err error) {
	if keep < 0 {
		keep = 1<<63 - 1
	}
	err = d.update(ctx, func(tx *sql.Tx) error {
		// Newest first, each with the bytes of those up to it.
		_, err := tx.ExecContext(ctx, `CREATE TEMP TABLE dropped AS SELECT id FROM
			(SELECT id, time, sum(bytes) OVER (ORDER BY time DESC, id DESC) AS so_far FROM packs)
			WHERE time < ? OR so_far > ?`, before.UnixMilli(), keep)
		if err != nil {
			return err
		}
		row := tx.QueryRowContext(ctx, "SELECT count(*), ifnull(sum(size), 0) FROM artifacts WHERE pack_id IN (SELECT id FROM dropped)")
		if err := row.Scan(&gone.Files, &gone.Bytes); err != nil {
			return err
		}
		if _, err = tx.ExecContext(ctx, "DELETE FROM packs WHERE id IN (SELECT id FROM dropped)"); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DROP TABLE dropped")
		return err
	})
	return gone, err
}

// artifactsStored writes a pack and the files in it.
func (r *run) artifactsStored(e event.ArtifactsStored) {
	job := r.job(e.At)
	r.do(func(ctx context.Context, tx *sql.Tx) error {
		var pack int64
		err := tx.QueryRowContext(ctx, `INSERT INTO packs (job_id, blob, bytes, time) VALUES (?, ?, ?, ?)
			ON CONFLICT (job_id, blob) DO UPDATE SET time = excluded.time RETURNING id`, job.id, e.Blob, e.Bytes, e.Time.UnixMilli()).Scan(&pack)
		if err != nil {
			return err
		}
		add, err := tx.PrepareContext(ctx, "INSERT OR REPLACE INTO artifacts (job_id, path, size, pack_id, start) VALUES (?, ?, ?, ?, ?)")
		if err != nil {
			return err
		}
		defer add.Close()
		for _, f := range e.Files {
			if _, err := add.ExecContext(ctx, job.id, f.Path, f.Size, pack, f.Offset); err != nil {
				return err
			}
		}
		return nil
	})
}
