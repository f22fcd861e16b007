package commands

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/term"
	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
)

func testsCommand() *cli.Command {
	return &cli.Command{
		Name:      "tests",
		Usage:     "list the tests that ran, and why they failed",
		ArgsUsage: "[N]",
		Description: `Lists the tests of pipeline N, or of the latest: what store_test_results read.
The exit code does not say whether tests failed: popsicle run does.

   popsicle tests --failed            with all that is known of why
   popsicle tests 12 --job unit --slowest
   popsicle tests --json | jq 'map(.seconds) | add'`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "job", Usage: "only of the job `NAME`"},
			&cli.BoolFlag{Name: "failed", Usage: "only tests that failed, each with its message"},
			&cli.BoolFlag{Name: "slowest", Usage: "the slowest first"},
			&cli.BoolFlag{Name: "json", Usage: "as a JSON array"},
			serverFlag(),
			colorFlag(),
		},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       testsAction,
	}
}

func testsAction(ctx context.Context, c *cli.Command) error {
	history, p, err := openOne(ctx, c)
	if err != nil {
		return err
	}
	defer history.Close()
	found, err := testsOf(ctx, history, p, c.String("job"), c.Bool("failed"))
	if err != nil {
		return err
	}
	if c.Bool("slowest") {
		slices.SortStableFunc(found, func(a, b db.Test) int { return cmp.Compare(b.Seconds, a.Seconds) })
	}
	if c.Bool("json") {
		return writeJSON(stdout(c), testsJSON(found))
	}
	if len(found) == 0 {
		return noTests(ctx, c, history, p)
	}
	rows := make([]term.TestRow, len(found))
	for i, t := range found {
		rows[i] = term.TestRow{Job: t.Job, Node: t.Node, Test: t.Test}
	}
	return term.Tests(stdout(c), rows, c.Bool("failed"), newTheme(c, os.Stdout))
}

// testsOf returns the tests of a pipeline, of one job where that is not empty.
func testsOf(ctx context.Context, history archive, p db.Pipeline, job string, failed bool) ([]db.Test, error) {
	if err := hasJob(ctx, history, p, job); err != nil {
		return nil, err
	}
	var found []db.Test
	for t, err := range history.Tests(ctx, p.ID, failed) {
		if err != nil {
			return nil, err
		}
		if isJob(job, t.Workflow, t.Job) {
			found = append(found, t)
		}
	}
	return found, nil
}

// noTests says why there is nothing to list.
func noTests(ctx context.Context, c *cli.Command, history archive, p db.Pipeline) error {
	counts, err := history.TestCounts(ctx, p.ID)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("pipeline #%d stored no test results: the step store_test_results does\n", p.ID)
	if len(counts) > 0 {
		text = fmt.Sprintf("no test of pipeline #%d is one of those\n", p.ID)
	}
	if len(counts) > 0 && c.Bool("failed") {
		text = fmt.Sprintf("no test of pipeline #%d failed\n", p.ID)
	}
	_, err = fmt.Fprint(stdout(c), text)
	return err
}

type jsonTest struct {
	Workflow string           `json:"workflow"`
	Job      string           `json:"job"`
	Node     int              `json:"node"`
	Suite    string           `json:"suite,omitempty"`
	Class    string           `json:"classname,omitempty"`
	Name     string           `json:"name"`
	File     string           `json:"file,omitempty"`
	Result   event.TestResult `json:"result"`
	Seconds  float64          `json:"seconds"`
	Message  string           `json:"message,omitempty"`
}

func testsJSON(found []db.Test) []jsonTest {
	out := make([]jsonTest, len(found))
	for i, t := range found {
		out[i] = jsonTest{t.Workflow, t.Job, t.Node, t.Suite, t.Class, t.Name, t.File, t.Result, t.Seconds, t.Message}
	}
	return out
}
