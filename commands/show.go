package commands

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/term"
	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
)

func showCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "show the jobs and steps of one pipeline",
		ArgsUsage: "[N]",
		Description: `Shows pipeline N, or the latest: its jobs and their steps with times and
exit codes.

   popsicle show
   popsicle show 12 --json`,
		Flags:        []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "as a JSON object"}, serverFlag(), colorFlag()},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       showAction,
	}
}

func showAction(ctx context.Context, c *cli.Command) error {
	history, p, err := openOne(ctx, c)
	if err != nil {
		return err
	}
	defer history.Close()
	jobs, err := history.Jobs(ctx, p.ID)
	if err != nil {
		return err
	}
	steps := make([][]db.Step, len(jobs))
	for i, j := range jobs {
		if steps[i], err = history.Steps(ctx, j.ID); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		return writeJSON(stdout(c), pipelineJSON(p, jobs, steps))
	}
	warnings, err := warningsOf(ctx, history, p, jobs)
	if err != nil {
		return err
	}
	return term.Show(stdout(c), os.Stderr, term.Shown{Pipeline: pipelineRow(p), Jobs: jobRows(jobs, steps), Warnings: warnings}, newTheme(c, os.Stdout), time.Now())
}

// warningsOf is what a pipeline warned of, with the job that each is about.
func warningsOf(ctx context.Context, history archive, p db.Pipeline, jobs []db.Job) (texts []string, err error) {
	messages, err := history.Messages(ctx, p.ID)
	for _, m := range messages {
		if m.Level == event.Info {
			continue
		}
		text := m.Text
		if i := slices.IndexFunc(jobs, func(j db.Job) bool { return j.Position == m.Job }); i >= 0 {
			text = jobs[i].Name + ": " + text
		}
		texts = append(texts, text)
	}
	return texts, err
}

// jobRows joins the nodes of a parallel job into one row.
func jobRows(jobs []db.Job, steps [][]db.Step) []term.JobRow {
	var rows []term.JobRow
	for i, j := range jobs {
		if j.Node == 0 || len(rows) == 0 {
			rows = append(rows, term.JobRow{
				Workflow: j.Workflow, Name: j.Name, Status: j.Status, Reason: j.Reason, Image: j.Image, Started: j.Start, Ended: j.End,
			})
		}
		row := &rows[len(rows)-1]
		join(row, j)
		for _, s := range steps[i] {
			row.Steps = append(row.Steps, stepRow(j.Node, s))
		}
	}
	return rows
}

// join takes a node into the row of its job: the worst of them, from the
// first start to the last end.
func join(row *term.JobRow, j db.Job) {
	if whole := event.Worse(row.Status, j.Status); whole != row.Status {
		row.Status, row.Reason = whole, j.Reason
	}
	if row.Started.IsZero() || !j.Start.IsZero() && j.Start.Before(row.Started) {
		row.Started = j.Start
	}
	if j.End.After(row.Ended) {
		row.Ended = j.End
	}
	if !row.Status.Ended() {
		row.Ended = time.Time{}
	}
}

func stepRow(node int, s db.Step) term.StepRow {
	row := term.StepRow{
		Node: node, Number: s.Number, Name: s.Name, Status: s.Status, Reason: s.Reason, Started: s.Start, Ended: s.End,
	}
	if s.ExitCode != nil {
		row.ExitCode, row.HasExit = *s.ExitCode, true
	}
	return row
}
