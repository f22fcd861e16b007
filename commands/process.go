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
	p, o, err := openConfigs(ctx, c)
	if err != nil {
		return err
	}
	if err := p.only(); err != nil {
		return err
	}
	k := newCheck(p.sources, 0, o)
	if k.plan == nil {
		return p.refuse(k, newTheme(c, os.Stderr))
	}
	return deliver(c, []byte(k.plan.Files[0].Config))
}
