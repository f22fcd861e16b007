package commands

import (
	"context"
	"os"
	"slices"

	"github.com/urfave/cli/v3"
)

func processCommand() *cli.Command {
	return &cli.Command{
		Name:      "process",
		Usage:     "print a config as it is compiled",
		ArgsUsage: "[FILE]",
		Description: `Prints FILE without orbs, commands, parameters, matrices and templates: a
config that says the same, and that compiles to itself.

   popsicle config process
   popsicle config process .circleci/config.yml -p deploy=true -o compiled.yml`,
		Flags:        slices.Concat([]cli.Flag{outputFlag(), colorFlag()}, compileFlags()),
		Suggest:      true,
		OnUsageError: usageError,
		Action:       processAction,
	}
}

func processAction(ctx context.Context, c *cli.Command) error {
	_, k, err := checkOne(ctx, c)
	if err != nil {
		return err
	}
	return deliver(c, []byte(k.plan.Files[0].Config))
}

// checkOne compiles the one file of a command that needs it without mistakes;
// those it has are shown.
func checkOne(ctx context.Context, c *cli.Command) (*project, *check, error) {
	p, err := openProject(c, c.Args().Slice())
	if err != nil {
		return nil, nil, err
	}
	s, err := p.only()
	if err != nil {
		return nil, nil, err
	}
	o, err := p.options(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	k := newChecks([]source{s}, o)[0]
	if k.plan == nil {
		return nil, nil, p.refuse(k, newTheme(c, os.Stderr))
	}
	return p, k, nil
}
