package db

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

func TestRecorderWritesARun(t *testing.T) {
	d := open(t)
	id, err := d.NewPipeline(t.Context(), "lease")
	if err != nil {
		t.Fatal(err)
	}
	r := d.Recorder(id)
	s := event.NewStream(r)
	at := event.At{Pipeline: id, Workflow: "main", Job: "build", JobID: 1}
	step := at
	step.Step = 1
	s.Emit(event.PipelineStarted{At: event.At{Pipeline: id}, Repo: "o/r", Commit: "abc", Workflows: []string{"main"}})
	s.Emit(event.TreeRead{Tree: "t"})
	s.Emit(event.JobQueued{At: at, Kind: "docker"})
	s.Emit(event.JobStarted{At: at, Engine: "unix:///x"})
	s.Emit(event.StepStarted{At: step, Name: "Spin up"})
	s.Emit(event.Output{At: step, Text: "hello\n"})
	s.Emit(event.StepFinished{At: step, Status: event.Success, HasExit: true})
	s.Emit(event.JobFinished{At: at, Status: event.Success})
	s.Emit(event.WorkflowFinished{At: event.At{Workflow: "main"}, Status: event.Success})
	s.Emit(event.PipelineFinished{Status: event.Success})
	if err := r.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	ps, err := d.Pipelines(t.Context(), PipelineFilter{})
	t.Logf("%+v %v", ps, err)
	jobs, err := d.Jobs(t.Context(), id)
	t.Logf("%+v %v", jobs, err)
	steps, err := d.Steps(t.Context(), jobs[0].ID)
	t.Logf("%+v %v", steps, err)
	page, err := d.Lines(t.Context(), LogQuery{Job: jobs[0].ID})
	t.Logf("%+v %v", page, err)
}

func open(t testing.TB) *DB {
	t.Helper()
	d, err := Open(context.Background(), filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func BenchmarkRecord82MB(b *testing.B) {
	line := strings.Repeat("x", 60)
	for b.Loop() {
		d := open(b)
		id, err := d.NewPipeline(b.Context(), "lease")
		if err != nil {
			b.Fatal(err)
		}
		r := d.Recorder(id)
		at := event.At{Pipeline: id, Workflow: "main", Job: "build", JobID: 1, Step: 1, Time: time.Now()}
		var text strings.Builder
		for i := range 1_000_000 {
			fmt.Fprintf(&text, "%-10d %s line %d\n", i, line, i%7)
			if text.Len() > 32<<10 {
				r.Handle(event.Output{At: at, Text: text.String()})
				text.Reset()
			}
		}
		at.Step = 0
		r.Handle(event.JobFinished{At: at, Status: event.Success})
		if err := r.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
		d.Close()
	}
}
