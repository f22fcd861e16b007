package commands

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/vault"
	"github.com/popsicle-ci/popsicle/gitops"
)

func envCommand() *cli.Command {
	return &cli.Command{
		Name:    "env",
		Aliases: []string{"secret"},
		Usage:   "keep the variables of this checkout's project",
		Description: `All jobs of a project get its variables, whose values are masked in all output.
A project is what a checkout was cloned from: clones of one address share them.

   popsicle env set NPM_TOKEN         asks for the value
   popsicle env set NPM_TOKEN <file   takes it from a file or a pipe
   popsicle env list
   popsicle env rm NPM_TOKEN` + whereSecretsAre,
		Suggest:      true,
		OnUsageError: usageError,
		Action:       helpOrUnknown,
		Commands:     []*cli.Command{envSetCommand(), envListCommand(), envRmCommand()},
	}
}

func checkoutFlag() cli.Flag {
	return &cli.StringFlag{Name: "dir", Aliases: []string{"C"}, Usage: "the checkout that holds `DIR`", Value: "."}
}

// shelfOfCheckout is where the variables of the command's checkout are.
func shelfOfCheckout(ctx context.Context, c *cli.Command) (vault.Shelf, error) {
	repo, err := gitops.Open(ctx, c.String("dir"))
	if err != nil {
		return vault.Shelf{}, err
	}
	s, err := repo.Snapshot(ctx, gitops.Source{})
	if err != nil {
		return vault.Shelf{}, err
	}
	return projectShelf(repo.Root, s.Head()), nil
}

func envSetCommand() *cli.Command {
	return &cli.Command{
		Name:      "set",
		Usage:     "keep a variable of the project",
		ArgsUsage: "KEY",
		Description: `Asks for the value, or reads it from standard input. One line end at its end is
left out. A value that was there is replaced.

   popsicle env set NPM_TOKEN
   gh auth token | popsicle env set GITHUB_TOKEN`,
		Flags:        []cli.Flag{checkoutFlag()},
		Suggest:      true,
		OnUsageError: usageError,
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := valueInArguments(c, 1, "popsicle env set KEY"); err != nil {
				return err
			}
			s, err := shelfOfCheckout(ctx, c)
			if err != nil {
				return err
			}
			return setVariable(c, s, c.Args().First())
		},
	}
}

func envListCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "name the variables of the project, never a value",
		Description: `Names those of the project that this checkout was cloned from.

   popsicle env list
   popsicle env list --all    of all projects`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Usage: "of all projects"},
			&cli.BoolFlag{Name: "json", Usage: "as a JSON array"},
			checkoutFlag(),
		},
		Suggest:      true,
		OnUsageError: usageError,
		Action: func(ctx context.Context, c *cli.Command) error {
			name := ""
			if !c.Bool("all") {
				s, err := shelfOfCheckout(ctx, c)
				if err != nil {
					return err
				}
				name = s.Name
			}
			return listShelves(c, vault.Project, name, "no variables are kept for this project: popsicle env set KEY")
		},
	}
}

func envRmCommand() *cli.Command {
	return &cli.Command{
		Name:      "rm",
		Usage:     "forget a variable of the project",
		ArgsUsage: "KEY",
		Description: `Jobs of later runs do not get it any more.

   popsicle env rm NPM_TOKEN`,
		Flags:        []cli.Flag{checkoutFlag()},
		Suggest:      true,
		OnUsageError: usageError,
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.Args().Len() != 1 {
				return usage("popsicle env rm KEY: name one variable (popsicle env list)")
			}
			s, err := shelfOfCheckout(ctx, c)
			if err != nil {
				return err
			}
			return removeVariable(c, s, c.Args().First())
		},
	}
}
