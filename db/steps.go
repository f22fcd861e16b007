package db

import (
	"context"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A Step is one step of a job.
type Step struct {
	JobID      int64
	Number     int // place in its job, from 1
	Name       string
	Kind       string
	Status     event.Status
	ExitCode   *int   // nil: no command ran to its end
	Reason     string // why, where the exit code does not say it
	Background bool
	Command    string // as written
	Shell      string // the command line that runs it
	File       string // config file and line that asked for it
	Line       int
	Start, End time.Time

	// Once the job ended: where the step's text lies in the job's log.
	LogOffset, LogBytes int64
	LogLines            int64 // newlines in it
}

const stepColumns = `job_id, number, name, kind, status, exit_code, reason, background, command, shell, file, line,
	start_time, end_time, log_offset, log_bytes, log_lines`

func scanStep(scan func(...any) error) (s Step, err error) {
	err = scan(&s.JobID, &s.Number, &s.Name, &s.Kind, &s.Status, &s.ExitCode, &s.Reason, &s.Background, &s.Command, &s.Shell, &s.File, &s.Line,
		(*moment)(&s.Start), (*moment)(&s.End), &s.LogOffset, &s.LogBytes, &s.LogLines)
	return s, err
}

// Steps returns the steps of a job that have started or been skipped, in
// their order.
func (d *DB) Steps(ctx context.Context, job int64) ([]Step, error) {
	steps, err := readSteps(ctx, d.read, job)
	return steps, d.wrap(err)
}

func readSteps(ctx context.Context, q querier, job int64) ([]Step, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+stepColumns+" FROM steps WHERE job_id = ? ORDER BY number", job)
	if err != nil {
		return nil, err
	}
	return collect(rows, scanStep)
}
