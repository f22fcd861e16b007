package db

import (
	"context"
	"database/sql"
	"fmt"
	"iter"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A Test is one test that a job ran.
type Test struct {
	JobID    int64
	Workflow string
	Job      string
	Node     int // the container among the job's parallel ones, from 0
	event.Test
}

// Tests yields the tests of a pipeline, in the order of its plan and then of
// the files they were read from; failed, only those that failed. An error
// ends them.
func (d *DB) Tests(ctx context.Context, pipeline int64, failed bool) iter.Seq2[Test, error] {
	query := `SELECT j.id, j.workflow, j.job_name, j.node, t.suite, t.class, t.name, t.file, t.result, t.seconds, t.message
		FROM jobs AS j JOIN tests AS t ON t.job_id = j.id WHERE j.pipeline_id = ?`
	if failed {
		query += " AND t.result IN ('failure', 'error')"
	}
	return func(yield func(Test, error) bool) {
		rows, err := d.read.QueryContext(ctx, query+" ORDER BY j.position, j.node, t.id", pipeline)
		for t, err := range each(rows, err, scanTest) {
			if !yield(t, d.wrap(err)) {
				return
			}
		}
	}
}

func scanTest(scan func(...any) error) (t Test, err error) {
	err = scan(&t.JobID, &t.Workflow, &t.Job, &t.Node, &t.Suite, &t.Class, &t.Name, &t.File, &t.Result, &t.Seconds, &t.Message)
	return t, err
}

// TestCounts returns how many tests of a pipeline ended in which way.
func (d *DB) TestCounts(ctx context.Context, pipeline int64) (map[event.TestResult]int, error) {
	rows, err := d.read.QueryContext(ctx, `SELECT t.result, count(*) FROM jobs AS j JOIN tests AS t ON t.job_id = j.id
		WHERE j.pipeline_id = ? GROUP BY t.result`, pipeline)
	type count struct {
		result event.TestResult
		number int
	}
	counts := map[event.TestResult]int{}
	for c, err := range each(rows, err, func(scan func(...any) error) (c count, err error) {
		err = scan(&c.result, &c.number)
		return c, err
	}) {
		if err != nil {
			return nil, d.wrap(err)
		}
		counts[c.result] = c.number
	}
	return counts, nil
}

// A TimingKey is what tests are timed by, in the words of `circleci tests
// split --timings-type`.
type TimingKey string

// The things that tests can be timed by.
const (
	ByFile  TimingKey = "filename"
	ByClass TimingKey = "classname"
	ByName  TimingKey = "testname"
)

// timingColumns are what the keys stand for in the table.
var timingColumns = map[TimingKey]string{ByFile: "file", ByClass: "class", ByName: "name"}

// How far back TestTimings looks for runs, and how many it puts together.
const (
	timingPipelines = 200
	timingRuns      = 3
)

// TestTimings returns how many seconds the tests of a job took, by file, class
// or name. They are those of the newest pipelines of a checkout in which all
// nodes of the job succeeded and left results; where several of them know a
// key, the newest counts. Empty keys are left out.
func (d *DB) TestTimings(ctx context.Context, root, job string, by TimingKey) (map[string]float64, error) {
	column, ok := timingColumns[by]
	if !ok {
		return nil, fmt.Errorf("tests have no %q: there are %s, %s and %s", by, ByFile, ByClass, ByName)
	}
	runs, err := d.timedRuns(ctx, root, job)
	if err != nil {
		return nil, err
	}
	timings := map[string]float64{}
	for i := len(runs) - 1; i >= 0; i-- { // the newest last: it replaces
		rows, err := d.read.QueryContext(ctx, `SELECT t.`+column+`, sum(t.seconds) FROM jobs AS j JOIN tests AS t ON t.job_id = j.id
			WHERE j.pipeline_id = ? AND j.job_name = ? AND t.`+column+` <> '' GROUP BY 1`, runs[i], job)
		for one, err := range each(rows, err, func(scan func(...any) error) (t timing, err error) {
			err = scan(&t.key, &t.seconds)
			return t, err
		}) {
			if err != nil {
				return nil, d.wrap(err)
			}
			timings[one.key] = one.seconds
		}
	}
	return timings, nil
}

type timing struct {
	key     string
	seconds float64
}

// timedRuns returns the pipelines whose timings count, newest first.
func (d *DB) timedRuns(ctx context.Context, root, job string) ([]int64, error) {
	rows, err := d.read.QueryContext(ctx, `SELECT p.id FROM
		(SELECT id FROM pipelines INDEXED BY pipelines_by_root WHERE root = ?1 ORDER BY id DESC LIMIT ?3) AS p
		WHERE EXISTS (SELECT 1 FROM jobs AS j JOIN tests AS t ON t.job_id = j.id WHERE j.pipeline_id = p.id AND j.job_name = ?2)
		AND NOT EXISTS (SELECT 1 FROM jobs WHERE pipeline_id = p.id AND job_name = ?2 AND status <> 'success')
		ORDER BY p.id DESC LIMIT ?4`, root, job, timingPipelines, timingRuns)
	if err != nil {
		return nil, d.wrap(err)
	}
	runs, err := collect(rows, func(scan func(...any) error) (id int64, err error) {
		err = scan(&id)
		return id, err
	})
	return runs, d.wrap(err)
}

// testsStored writes the results of tests.
func (r *run) testsStored(e event.TestsStored) {
	job := r.job(e.At)
	r.do(func(ctx context.Context, tx *sql.Tx) error {
		add, err := tx.PrepareContext(ctx, `INSERT INTO tests (job_id, suite, class, name, file, result, seconds, message)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
		if err != nil {
			return err
		}
		defer add.Close()
		for _, t := range e.Tests {
			if _, err := add.ExecContext(ctx, job.id, t.Suite, t.Class, t.Name, t.File, t.Result, t.Seconds, t.Message); err != nil {
				return err
			}
		}
		return nil
	})
}
