package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// pipelines is how many the history has whose first page is measured; so
// often it is doubled to get there.
const (
	pipelines = 100_000
	doublings = 5
)

// start measures what takes no container at all.
func (b *Bench) start() Work {
	docker := b.floor("tiny", "docker --version", "exec docker --version")
	help := b.popsicleIn("tiny", "--help")
	help.Bar, help.Within = 1.0, 40*time.Millisecond
	history := b.popsicleIn("tiny", "history --all")
	history.Command = fmt.Sprintf("POPSICLE_HOME='%s' exec '%s' history --all", filepath.Dir(b.longHistory()), b.Popsicle)
	history.Label, history.Bar = fmt.Sprintf("popsicle history of %d pipelines", pipelines), 1.3
	history.Within = 60 * time.Millisecond
	return Work{Name: "start", About: "what takes no container", Cases: []Case{docker, help, history}}
}

// longHistory is the file of that history.
func (b *Bench) longHistory() string { return filepath.Join(b.Dir, "long-history", "history.db") }

// writeHistory writes a history, once: some pipelines are recorded as every
// run is, and then copied, which is quicker.
func writeHistory(ctx context.Context, file string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	half := file + ".half"
	d, err := db.Open(ctx, half)
	if err != nil {
		return err
	}
	for i := range pipelines >> doublings {
		if err := onePipeline(ctx, d, i); err != nil {
			return err
		}
	}
	if err := errors.Join(d.Close(), double(ctx, half)); err != nil {
		return err
	}
	return os.Rename(half, file)
}

// double doubles the pipelines and jobs of a history as often as it takes.
func double(ctx context.Context, file string) error {
	d, err := sql.Open("sqlite3", file)
	if err != nil {
		return err
	}
	for range doublings {
		for _, table := range []string{"pipelines", "jobs"} {
			if err := doubleTable(ctx, d, table); err != nil {
				return errors.Join(err, d.Close())
			}
		}
	}
	return d.Close()
}

// doubleTable copies every row of a table under a new id; the copies of jobs
// belong to the copies of their pipelines.
func doubleTable(ctx context.Context, d *sql.DB, table string) error {
	rows, err := d.QueryContext(ctx, "SELECT name FROM pragma_table_info(?)", table)
	if err != nil {
		return err
	}
	defer rows.Close()
	var columns, values []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		value := name
		switch name {
		case "id":
			value = "id + (SELECT max(id) FROM " + table + ")"
		case "pipeline_id":
			value = "pipeline_id + (SELECT max(pipeline_id) FROM jobs)"
		}
		columns, values = append(columns, name), append(values, value)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	_, err = d.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s", table,
		strings.Join(columns, ", "), strings.Join(values, ", "), table))
	return err
}

// onePipeline records a pipeline of one job.
func onePipeline(ctx context.Context, d *db.DB, i int) error {
	id, err := d.NewPipeline(ctx, "")
	if err != nil {
		return err
	}
	r := d.Recorder(id)
	stream := event.NewStream(r)
	stream.Now = func() time.Time { return time.Unix(1_700_000_000+int64(i)*60, 0) }
	at := event.At{Pipeline: id, Workflow: "main", Job: "build", JobID: 1}
	stream.Emit(event.PipelineStarted{At: event.At{Pipeline: id}, Repo: fmt.Sprintf("owner/repo-%d", i%50), Root: fmt.Sprintf("/src/repo-%d", i%50),
		Commit: fmt.Sprintf("%040x", i), Branch: "main", Subject: "a subject", Trigger: "cli", Jobs: 1, Workflows: []string{"main"}})
	stream.Emit(event.JobQueued{At: at, Kind: "docker", Image: image, Steps: 1})
	stream.Emit(event.JobStarted{At: at})
	stream.Emit(event.JobFinished{At: at, Status: event.Success})
	stream.Emit(event.PipelineFinished{At: event.At{Pipeline: id}, Status: event.Success})
	if err := stream.Err(); err != nil {
		return err
	}
	return r.Close(ctx)
}
