package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A Job is one job of a pipeline, or one node of a parallel one.
type Job struct {
	ID         int64 // its key in this history; people say #12/build
	PipelineID int64
	Workflow   string
	Name       string
	Kind       string // plan.Kind
	Position   int    // place in the pipeline, from 1
	Node       int    // container among the parallel ones, from 0
	Status     event.Status
	Reason     string
	Requires   []string

	Image       string
	ImageDigest string
	Arch        string
	Emulated    bool // the image is not of the engine's architecture
	User        string
	WorkDir     string
	Engine      string // the docker endpoint
	Container   string
	PlanHash    string
	EnvNames    []string

	Queued time.Time
	Start  time.Time // zero before it starts
	End    time.Time // zero before it ends

	PlannedSteps int
	LogBytes     int64 // of the whole log, once the job ended
}

const jobColumns = `id, pipeline_id, workflow, job_name, kind, position, node, status, reason, requires,
	image, image_digest, arch, emulated, user, workdir, engine, container, plan_hash, env_names,
	queued_time, start_time, end_time, planned_steps, log_bytes`

func scanJob(scan func(...any) error) (j Job, err error) {
	err = scan(&j.ID, &j.PipelineID, &j.Workflow, &j.Name, &j.Kind, &j.Position, &j.Node, &j.Status, &j.Reason, (*list[string])(&j.Requires),
		&j.Image, &j.ImageDigest, &j.Arch, &j.Emulated, &j.User, &j.WorkDir, &j.Engine, &j.Container, &j.PlanHash, (*list[string])(&j.EnvNames),
		(*moment)(&j.Queued), (*moment)(&j.Start), (*moment)(&j.End), &j.PlannedSteps, &j.LogBytes)
	return j, err
}

// Jobs returns the jobs of a pipeline in the order of its plan.
func (d *DB) Jobs(ctx context.Context, pipeline int64) ([]Job, error) {
	rows, err := d.read.QueryContext(ctx, "SELECT "+jobColumns+" FROM jobs WHERE pipeline_id = ? ORDER BY position, node", pipeline)
	if err != nil {
		return nil, d.wrap(err)
	}
	jobs, err := collect(rows, scanJob)
	return jobs, d.wrap(err)
}

// Job returns the job with this key, or ErrNotFound.
func (d *DB) Job(ctx context.Context, id int64) (Job, error) {
	j, err := scanJob(d.read.QueryRowContext(ctx, "SELECT "+jobColumns+" FROM jobs WHERE id = ?", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = errNoJob(id)
	}
	return j, d.wrap(err)
}

func errNoJob(id int64) error { return fmt.Errorf("job %d: %w", id, ErrNotFound) }

// A Workflow is one graph of jobs in a pipeline.
type Workflow struct {
	Name       string
	Status     event.Status
	Start, End time.Time
}

// Workflows returns the workflows of a pipeline in the order of its files.
func (d *DB) Workflows(ctx context.Context, pipeline int64) ([]Workflow, error) {
	rows, err := d.read.QueryContext(ctx, "SELECT name, status, start_time, end_time FROM workflows WHERE pipeline_id = ? ORDER BY id", pipeline)
	if err != nil {
		return nil, d.wrap(err)
	}
	workflows, err := collect(rows, func(scan func(...any) error) (w Workflow, err error) {
		err = scan(&w.Name, &w.Status, (*moment)(&w.Start), (*moment)(&w.End))
		return w, err
	})
	return workflows, d.wrap(err)
}
