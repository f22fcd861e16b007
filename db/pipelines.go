package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A Pipeline is one run of a config on one tree.
type Pipeline struct {
	ID     int64 // counts from 1 in each history; shown as #12
	Status event.Status
	Reason string // why, where the jobs do not say it

	Repo    string // "owner/name", or the folder's name
	Root    string // the checkout on this host
	Commit  string // full SHA
	Branch  string
	Tag     string
	Subject string
	Author  string
	Trigger string // "cli", "webhook", "api", "schedule"
	Source  string // "worktree", "index", "commit"

	Tree         string // git tree hash of what was tested
	TreeFiles    int
	TreeBytes    int64
	Changed      []string // paths that differ from the commit, the first hundred
	Dirty        bool     // the tree differs from the commit's
	Unstable     bool     // files changed while it was read: Tree is not proven
	EqualsCommit bool     // what was tested is exactly the commit

	Files      []event.ConfigFile
	ConfigHash string // SHA-256 in hex of Files as compiled
	Asked      event.Request
	Partial    bool // it proves nothing about the whole: jobs were named, or taken over from another tree

	Queued time.Time
	Start  time.Time // zero before it starts
	End    time.Time // zero before it ends
	Seen   time.Time // last sign of life of the process that runs it

	PlannedJobs int
	Jobs        map[event.Status]int // how many jobs are in which state, each as it ran last
	Lease       string               // names the process that runs it
	Version     string               // of popsicle
}

// A PipelineFilter says which pipelines to list. Empty fields do not filter.
type PipelineFilter struct {
	Repo, Root, Branch, Tag, Trigger string
	Commit, Tree                     string // a full hash, or its first digits
	Status                           event.Status
	Limit                            int   // at most so many; 0: no limit
	Before                           int64 // older than this pipeline: the next page of a list
}

const pipelineColumns = `p.id, p.status, p.reason, p.repo, p.root, p.commit_sha, p.branch, p.tag, p.subject, p.author,
	p.trigger, p.source, p.tree, p.tree_files, p.tree_bytes, p.changed, p.dirty, p.unstable, p.equals_commit,
	p.config_files, p.config_hash, p.queued_time, p.start_time, p.end_time, p.seen_time, p.planned_jobs, p.lease, p.version, p.asked, p.partial,
	(SELECT json_group_object(status, n) FROM (SELECT status, count(*) AS n FROM
		(SELECT status, max(` + weight + `) FROM jobs WHERE pipeline_id = p.id AND NOT superseded GROUP BY position) GROUP BY status))`

// weight makes the worst of a job's nodes the job's status, as event.Worse
// does. SQLite takes the columns beside a max from the row that has it.
const weight = `CASE status WHEN 'running' THEN 7 WHEN 'queued' THEN 6 WHEN 'on_hold' THEN 5 WHEN 'interrupted' THEN 4
	WHEN 'infrastructure_fail' THEN 3 WHEN 'failed' THEN 2 WHEN 'timedout' THEN 2 WHEN 'canceled' THEN 1 ELSE 0 END`

func scanPipeline(scan func(...any) error) (p Pipeline, err error) {
	var jobs string
	err = scan(&p.ID, &p.Status, &p.Reason, &p.Repo, &p.Root, &p.Commit, &p.Branch, &p.Tag, &p.Subject, &p.Author,
		&p.Trigger, &p.Source, &p.Tree, &p.TreeFiles, &p.TreeBytes, (*list[string])(&p.Changed), &p.Dirty, &p.Unstable, &p.EqualsCommit,
		(*list[event.ConfigFile])(&p.Files), &p.ConfigHash, (*moment)(&p.Queued), (*moment)(&p.Start), (*moment)(&p.End), (*moment)(&p.Seen),
		&p.PlannedJobs, &p.Lease, &p.Version, (*request)(&p.Asked), &p.Partial, &jobs)
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal([]byte(jobs), &p.Jobs)
}

// NewPipeline makes the next pipeline, which waits to be run by the process
// that lease names, and returns its number. Its Recorder writes the rest.
func (d *DB) NewPipeline(ctx context.Context, lease string) (id int64, err error) {
	now := moment(time.Now())
	err = d.update(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `INSERT INTO pipelines (status, queued_time, seen_time, lease, version)
			VALUES (?, ?, ?, ?, ?) RETURNING id`, event.Queued, now, now, lease, d.Version).Scan(&id)
	})
	return id, err
}

// Pipelines lists what f asks for, newest first.
func (d *DB) Pipelines(ctx context.Context, f PipelineFilter) ([]Pipeline, error) {
	query, args := f.query()
	rows, err := d.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, d.wrap(err)
	}
	found, err := collect(rows, scanPipeline)
	return found, d.wrap(err)
}

// Pipeline returns the pipeline with this number, or ErrNotFound.
func (d *DB) Pipeline(ctx context.Context, id int64) (Pipeline, error) {
	row := d.read.QueryRowContext(ctx, "SELECT "+pipelineColumns+" FROM pipelines AS p WHERE p.id = ?", id)
	p, err := scanPipeline(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("pipeline #%d: %w", id, ErrNotFound)
	}
	return p, d.wrap(err)
}

// query makes the SELECT that f stands for. It names the index itself: the
// planner knows nothing of how rare a status or a repository is.
func (f PipelineFilter) query() (string, []any) {
	var where []string
	var args []any
	add := func(condition string, values ...any) {
		where = append(where, condition)
		args = append(args, values...)
	}
	for _, c := range []struct{ column, value string }{
		{"repo", f.Repo}, {"root", f.Root}, {"branch", f.Branch}, {"tag", f.Tag},
		{"trigger", f.Trigger}, {"status", string(f.Status)},
	} {
		if c.value != "" {
			add("p."+c.column+" = ?", c.value)
		}
	}
	if f.Commit != "" { // 'g' is the first character after the hex digits
		add("p.commit_sha >= ? AND p.commit_sha < ? || 'g'", f.Commit, f.Commit)
	}
	if f.Tree != "" {
		add("p.tree >= ? AND p.tree < ? || 'g'", f.Tree, f.Tree)
	}
	if f.Before > 0 {
		add("p.id < ?", f.Before)
	}
	query := "SELECT " + pipelineColumns + " FROM pipelines AS p " + f.index()
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	query += " ORDER BY p.id DESC"
	if f.Limit > 0 {
		query += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	return query, args
}

// index returns how the rows that f asks for are found.
func (f PipelineFilter) index() string {
	switch {
	case f.Commit != "":
		return "INDEXED BY pipelines_by_commit"
	case f.Tree != "":
		return "INDEXED BY pipelines_by_tree"
	case f.Root != "":
		return "INDEXED BY pipelines_by_root"
	case f.Repo != "":
		return "INDEXED BY pipelines_by_repo"
	case f.Branch != "":
		return "INDEXED BY pipelines_by_branch"
	case f.Status != "":
		return "INDEXED BY pipelines_by_status"
	case f.Trigger != "":
		return "INDEXED BY pipelines_by_trigger"
	}
	return "NOT INDEXED" // by id
}
