package db

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/mattn/go-sqlite3"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// A run turns the events of one pipeline into changes of the database. It
// touches the database in commit alone, so that changes which failed can be
// made again later.
type run struct {
	pipeline int64
	planned  int    // jobs that were announced, or told to come
	commitID string // of the commit that is tested, if any
	jobs     map[jobKey]*jobRow
	streams  map[stepKey]*stream
	changes  []change
	seen     time.Time // time of the newest event
	finished bool
	held     bool  // a job has been on hold
	refused  error // what the last commit left out
	logLimit int64 // see logLimit
}

// A change is a part of a transaction.
type change struct {
	do   func(context.Context, *sql.Tx) error
	text int // it adds so many bytes to a log and may be dropped; 0: it must not be lost
}

// A jobRow is what a run knows of one job.
type jobRow struct {
	id    int64 // set when the row is written
	ended bool

	logged int64 // bytes of log that are kept
	cut    bool  // and some are not
}

func newRun(pipeline int64) *run {
	return &run{pipeline: pipeline, logLimit: logLimit, jobs: map[jobKey]*jobRow{}, streams: map[stepKey]*stream{}}
}

// take makes the changes that an item asks for.
func (r *run) take(i item) {
	at := i.Where()
	r.seen = at.Time
	switch e := i.Event.(type) {
	case event.PipelineStarted:
		r.pipelineStarted(e)
	case event.TreeRead:
		r.treeRead(e)
	case event.JobQueued:
		r.jobQueued(e)
	case event.JobStarted:
		r.jobStarted(e)
	case event.JobHeld:
		r.jobHeld(e)
	case event.JobReady:
		r.exec("UPDATE jobs SET image_digest = ?, arch = ?, emulated = ?, user = ?, workdir = ? WHERE id = ?",
			e.ImageDigest, e.Arch, e.Emulated, e.User, e.WorkDir, r.job(at))
	case event.StepStarted:
		r.stepStarted(e)
	case event.Output:
		r.output(at, i.text)
	case event.StepFinished:
		r.stepFinished(e)
	case event.ArtifactsStored:
		r.artifactsStored(e)
	case event.TestsStored:
		r.testsStored(e)
	case event.JobFinished:
		r.jobFinished(e)
	case event.WorkflowFinished:
		r.exec("UPDATE workflows SET status = ?, end_time = ? WHERE pipeline_id = ? AND name = ?",
			e.Status, moment(e.Time), r.pipeline, e.Workflow)
	case event.PipelineFinished:
		r.pipelineFinished(e)
	case event.Message:
		r.message(e)
	}
}

// exec adds one statement to the changes. A *jobRow among its arguments
// stands for its key, which is not known before the row is written.
func (r *run) exec(query string, args ...any) {
	r.do(func(ctx context.Context, tx *sql.Tx) error {
		values := make([]any, len(args))
		for i, arg := range args {
			if job, ok := arg.(*jobRow); ok {
				arg = job.id
			}
			values[i] = arg
		}
		_, err := tx.ExecContext(ctx, query, values...)
		return err
	})
}

// do adds a change that must not be lost.
func (r *run) do(do func(context.Context, *sql.Tx) error) {
	r.changes = append(r.changes, change{do: do})
}

func (r *run) pipelineStarted(e event.PipelineStarted) {
	r.commitID, r.planned = e.Commit, e.Jobs
	r.exec(`UPDATE pipelines SET status = ?, start_time = ?, repo = ?, root = ?, commit_sha = ?, branch = ?, tag = ?, subject = ?,
		author = ?, trigger = ?, source = ?, config_files = ?, config_hash = ?, planned_jobs = ?, asked = ?, partial = ? WHERE id = ?`,
		event.Running, moment(e.Time), e.Repo, e.Root, e.Commit, e.Branch, e.Tag, e.Subject,
		e.Author, e.Trigger, e.Source, list[event.ConfigFile](e.Files), e.Config, e.Jobs, (*request)(&e.Asked), e.Partial, r.pipeline)
	for _, name := range e.Workflows {
		r.exec("INSERT INTO workflows (pipeline_id, name, status, start_time) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			r.pipeline, name, event.Running, moment(e.Time))
	}
}

func (r *run) treeRead(e event.TreeRead) {
	equal := r.commitID != "" && e.Equal && !e.Unstable
	r.exec(`UPDATE pipelines SET tree = ?, tree_files = ?, tree_bytes = ?, changed = ?, dirty = ?, unstable = ?, equals_commit = ? WHERE id = ?`,
		e.Tree, e.Files, e.Bytes, list[string](e.Changed), e.Dirty, e.Unstable, equal, r.pipeline)
}

func (r *run) message(e event.Message) {
	if e.Level == event.Info {
		return // progress: nobody asks for it later
	}
	r.exec("INSERT INTO messages (pipeline_id, job, node, step, time, level, text) VALUES (?, ?, ?, ?, ?, ?, ?)",
		r.pipeline, e.JobID, e.Node, e.Step, moment(e.Time), string(e.Level), e.Text)
}

func (r *run) pipelineFinished(e event.PipelineFinished) {
	r.finished = true
	r.exec("UPDATE pipelines SET status = ?, reason = ?, end_time = ? WHERE id = ?", e.Status, e.Reason, moment(e.Time), r.pipeline)
	r.interrupt()
}

// close ends a run that did not say how it ended.
func (r *run) close() {
	if !r.finished {
		r.interrupt()
	}
}

// interrupt closes what was left open.
func (r *run) interrupt() {
	r.flush()
	r.do(func(ctx context.Context, tx *sql.Tx) error {
		_, err := interrupt(ctx, tx, r.pipeline)
		return err
	})
}

// flush adds what the streams have not written, and the sign of life.
func (r *run) flush() {
	for _, s := range r.streams {
		r.changes = append(r.changes, s.flush()...)
	}
	if len(r.changes) > 0 && !r.seen.IsZero() {
		r.exec("UPDATE pipelines SET seen_time = ? WHERE id = ?", moment(r.seen), r.pipeline)
	}
}

// commit makes all changes in a transaction. A change that the schema refuses
// would be refused again and again: it is left out, so that an event which
// makes no sense does not keep the others from being written.
func (r *run) commit(tx *sql.Tx) error {
	r.refused = nil
	for _, c := range r.changes {
		switch err := c.do(context.Background(), tx); {
		case isCode(err, sqlite3.ErrConstraint):
			r.refused = errors.Join(r.refused, err)
		case err != nil:
			return err
		}
	}
	return nil
}

// written says that the changes are in the database.
func (r *run) written() {
	r.changes = nil
	for _, s := range r.streams {
		s.written()
	}
}

// drop forgets the changes that add to a log, and returns how many bytes
// that were.
func (r *run) drop() (lost int64) {
	kept := r.changes[:0]
	for _, c := range r.changes {
		if lost += int64(c.text); c.text == 0 {
			kept = append(kept, c)
		}
	}
	r.changes = kept
	for _, s := range r.streams {
		s.drop()
	}
	return lost
}
