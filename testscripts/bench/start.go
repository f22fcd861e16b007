package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// pipelines is how many the history has whose first page is measured.
const pipelines = 100_000

// start measures what takes no container at all.
func (b *Bench) start(ctx context.Context) Work {
	docker := b.by("tiny", "docker --version", "exec docker --version")
	help := b.popsicleIn("tiny", "--help")
	help.Bar = 1.0
	history := b.popsicleIn("tiny", "history --all")
	home := filepath.Join(b.Dir, "long-history")
	history.Command = fmt.Sprintf("POPSICLE_HOME='%s' exec '%s' history --all", home, b.Popsicle)
	history.Label, history.Bar = fmt.Sprintf("popsicle history of %d pipelines", pipelines), 1.3
	history.Before = func(context.Context) error { return longHistory(ctx, filepath.Join(home, "history.db")) }
	return Work{Name: "start", About: "what takes no container", Cases: []Case{docker, help, history}}
}

// longHistory writes a history, once.
func longHistory(ctx context.Context, file string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	half := file + ".half"
	d, err := db.Open(ctx, half)
	if err != nil {
		return err
	}
	for i := range pipelines {
		if err := onePipeline(ctx, d, i); err != nil {
			return err
		}
	}
	if err := d.Close(); err != nil {
		return err
	}
	return os.Rename(half, file)
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
