package db

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// job returns the job that something happened to. Its row is made when it
// is first heard of, normally by JobQueued.
func (r *run) job(at event.At) *jobRow {
	key := jobKey{at.JobID, at.Node}
	job := r.jobs[key]
	if job != nil {
		return job
	}
	job = &jobRow{}
	r.jobs[key] = job
	r.do(func(ctx context.Context, tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `INSERT INTO jobs (pipeline_id, position, node, job_name, workflow, status, queued_time)
			VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			r.pipeline, at.JobID, at.Node, at.Job, at.Workflow, event.Queued, moment(at.Time)).Scan(&job.id)
	})
	return job
}

// stream returns the text of a step that something happened to. The step's
// row is made when it is first heard of, normally by StepStarted.
func (r *run) stream(at event.At) *stream {
	key := keyOf(at)
	s := r.streams[key]
	if s == nil {
		s = newStream(r.job(at), at.Step)
		r.streams[key] = s
		r.exec("INSERT INTO steps (job_id, number, status, start_time) VALUES (?, ?, ?, ?)",
			s.job, at.Step, event.Running, moment(at.Time))
	}
	return s
}

// jobQueued makes the row of each node.
func (r *run) jobQueued(e event.JobQueued) {
	if e.Workflow != "" { // one that a setup config has made is heard of here for the first time
		r.exec("INSERT INTO workflows (pipeline_id, name, status, start_time) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			r.pipeline, e.Workflow, event.Running, moment(e.Time))
	}
	if e.JobID > r.planned {
		r.planned = e.JobID
		r.exec("UPDATE pipelines SET planned_jobs = ? WHERE id = ?", e.JobID, r.pipeline)
	}
	if e.RerunOf > 0 {
		r.exec("UPDATE jobs SET superseded = 1 WHERE pipeline_id = ? AND position = ?", r.pipeline, e.RerunOf)
	}
	for node := range max(1, e.Nodes) {
		e.Node = node
		job := r.job(e.At)
		r.exec("UPDATE jobs SET kind = ?, image = ?, requires = ?, planned_steps = ?, plan_hash = ?, env_names = ? WHERE id = ?",
			e.Kind, e.Image, list[string](e.Requires), e.Steps, e.PlanHash, list[string](e.EnvNames), job)
	}
}

// jobStarted also remembers the engine as a runner.
func (r *run) jobStarted(e event.JobStarted) {
	job := r.job(e.At)
	if e.Engine != "" {
		r.exec("INSERT INTO runners (host, seen_time) VALUES (?1, ?2) ON CONFLICT (host) DO UPDATE SET seen_time = ?2",
			e.Engine, moment(e.Time))
	}
	r.exec(`UPDATE jobs SET status = ?1, start_time = ?2, engine = ?3, container = ?4,
		runner_id = (SELECT id FROM runners WHERE host = ?3) WHERE id = ?5`,
		event.Running, moment(e.Time), e.Engine, e.Container, job)
	r.hold()
}

func (r *run) jobHeld(e event.JobHeld) {
	r.exec("UPDATE jobs SET status = ?, start_time = ? WHERE id = ?", event.OnHold, moment(e.Time), r.job(e.At))
	r.held = true
	r.hold()
}

// hold makes the workflows and the pipeline on_hold while all that could go on
// in them waits for somebody. Of a run without approvals nothing is asked.
func (r *run) hold() {
	if !r.held {
		return
	}
	const state = `CASE WHEN EXISTS (SELECT 1 FROM jobs AS j WHERE %[1]s AND j.status = 'on_hold')
		AND NOT EXISTS (SELECT 1 FROM jobs AS j WHERE %[1]s AND j.status = 'running') THEN 'on_hold' ELSE 'running' END`
	r.exec("UPDATE workflows SET status = "+fmt.Sprintf(state, "j.pipeline_id = workflows.pipeline_id AND j.workflow = workflows.name")+
		" WHERE pipeline_id = ? AND "+isOpen, r.pipeline)
	r.exec("UPDATE pipelines SET status = "+fmt.Sprintf(state, "j.pipeline_id = pipelines.id")+" WHERE id = ? AND "+isOpen, r.pipeline)
}

func (r *run) stepStarted(e event.StepStarted) {
	s := r.stream(e.At)
	r.exec(`UPDATE steps SET name = ?, kind = ?, command = ?, shell = ?, background = ?, file = ?, line = ?, start_time = ?
		WHERE job_id = ? AND number = ?`,
		e.Name, e.Kind, e.Command, e.Shell, e.Background, e.File, e.Line, moment(e.Time), s.job, e.Step)
}

func (r *run) output(at event.At, texts []string) {
	s := r.stream(at)
	if s.job.ended {
		return // its log is packed; nothing that a step wrote comes so late
	}
	if texts = r.limited(s, at, texts); len(texts) > 0 {
		r.changes = append(r.changes, s.add(texts, at.Time)...)
	}
}

func (r *run) stepFinished(e event.StepFinished) {
	s := r.stream(e.At)
	var code any
	if e.HasExit {
		code = e.ExitCode
	}
	r.changes = append(r.changes, s.flush()...)
	s.seal()
	r.exec("UPDATE steps SET status = ?, exit_code = ?, reason = ?, end_time = ? WHERE job_id = ? AND number = ?",
		e.Status, code, e.Reason, moment(e.Time), s.job, e.Step)
}

// jobFinished also packs the log, in the same transaction: there is no
// moment in which a job has ended and its log has not.
func (r *run) jobFinished(e event.JobFinished) {
	job := r.job(e.At)
	for key, s := range r.streams {
		if s.job == job {
			r.changes = append(r.changes, s.flush()...)
			delete(r.streams, key)
		}
	}
	job.ended = true
	r.exec("UPDATE jobs SET status = ?, reason = ?, end_time = ? WHERE id = ?", e.Status, e.Reason, moment(e.Time), job)
	r.do(func(ctx context.Context, tx *sql.Tx) error {
		return finishJob(ctx, tx, job.id, e.Status, e.Time)
	})
	r.hold()
}
