package commands

import (
	"context"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// replay tells a listener a run that has ended, as far as the history knows
// it, as if it happened on the commit that has the run's tree.
func replay(ctx context.Context, history *db.DB, p db.Pipeline, to event.Sink) error {
	jobs, err := history.Jobs(ctx, p.ID)
	if err != nil {
		return err
	}
	workflows, err := history.Workflows(ctx, p.ID)
	if err != nil {
		return err
	}
	out := event.NewStream(to)
	at := event.At{Pipeline: p.ID, Time: p.Start}
	out.Emit(event.PipelineStarted{At: at, Source: "commit"})
	out.Emit(event.TreeRead{At: at, Tree: p.Tree, Equal: true})
	place := func(j db.Job, when time.Time) event.At {
		return event.At{Pipeline: p.ID, Time: when, Workflow: j.Workflow, Job: j.Name, JobID: j.Position, Node: j.Node}
	}
	for _, j := range jobs {
		if j.Node == 0 {
			out.Emit(event.JobQueued{At: place(j, p.Start)})
		}
	}
	for _, j := range jobs {
		if !j.Start.IsZero() {
			out.Emit(event.JobStarted{At: place(j, j.Start)})
			out.Emit(event.JobReady{At: place(j, j.Start), Arch: j.Arch})
		}
		if err := replaySteps(ctx, history, j, place, out); err != nil {
			return err
		}
		out.Emit(event.JobFinished{At: place(j, j.End), Status: j.Status, Reason: j.Reason})
	}
	for _, w := range workflows {
		out.Emit(event.WorkflowFinished{At: event.At{Pipeline: p.ID, Time: w.End, Workflow: w.Name}, Status: w.Status})
	}
	out.Emit(event.PipelineFinished{At: event.At{Pipeline: p.ID, Time: p.End}, Status: p.Status})
	return out.Err()
}

// replaySteps tells the steps of a job that did not pass.
func replaySteps(ctx context.Context, history *db.DB, j db.Job, place func(db.Job, time.Time) event.At, out *event.Stream) error {
	if j.Status.Passed() {
		return nil
	}
	steps, err := history.Steps(ctx, j.ID)
	if err != nil {
		return err
	}
	for _, s := range steps {
		started, ended := place(j, s.Start), place(j, s.End)
		started.Step, ended.Step = s.Number, s.Number
		out.Emit(event.StepStarted{At: started, Name: s.Name, Kind: s.Kind})
		end := event.StepFinished{At: ended, Status: s.Status, HasExit: s.ExitCode != nil}
		if s.ExitCode != nil {
			end.ExitCode = *s.ExitCode
		}
		out.Emit(end)
	}
	return nil
}
