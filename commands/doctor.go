package commands

import (
	"context"
	"encoding/json"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/term"
	"github.com/popsicle-ci/popsicle/runner/docker"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "check what popsicle needs, and say what to do",
		Description: `Looks at docker, git, the disk, the clock, the history, what dead runs left
behind and what the config of this checkout asks for. Changes nothing.

   popsicle doctor
   popsicle doctor --json

Exit codes: 0 all is well (or may be better), 3 something keeps popsicle from
running.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "as a JSON array"},
			engineFlag(""),
			colorFlag(),
		},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       doctorAction,
	}
}

func doctorAction(ctx context.Context, c *cli.Command) error {
	d := &doctor{client: docker.CLI{Bin: c.String("engine")}}
	d.examine(ctx)
	return d.report(c)
}

// report prints what the doctor found.
func (d *doctor) report(c *cli.Command) error {
	var err error
	if c.Bool("json") {
		e := json.NewEncoder(stdout(c))
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		err = e.Encode(d.checks)
	} else {
		err = term.Checks(stdout(c), d.checks, newTheme(c, os.Stdout))
	}
	if err == nil && d.failed {
		err = toldError(exitBroken)
	}
	return err
}

// A doctor collects what it finds.
type doctor struct {
	client docker.CLI
	checks []term.Check
	failed bool
}

func (d *doctor) examine(ctx context.Context) {
	d.engine(ctx)
	d.git(ctx)
	d.gh()
	d.disk()
	d.history(ctx)
	added, err := addedRunners(ctx)
	if err == nil { // else the history was reported already
		d.runners(ctx, added)
	}
	d.leftovers(ctx, added)
	d.config(ctx)
}

func (d *doctor) well(name, text string) {
	d.checks = append(d.checks, term.Check{Name: name, Level: term.Well, Text: text})
}

func (d *doctor) better(name, text, fix string) {
	d.checks = append(d.checks, term.Check{Name: name, Level: term.Warning, Text: text, Fix: fix})
}

func (d *doctor) broken(name, text, fix string) {
	d.checks = append(d.checks, term.Check{Name: name, Level: term.Broken, Text: text, Fix: fix})
	d.failed = true
}
