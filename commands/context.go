package commands

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/vault"
)

func contextCommand() *cli.Command {
	return &cli.Command{
		Name:  "context",
		Usage: "keep the variables of contexts, which jobs ask for by name",
		Description: `A job with ` + "`context: deploy`" + ` in its workflow gets the variables of the
context deploy. They are kept for the user, for all checkouts.

   popsicle context set deploy TOKEN         asks for the value
   popsicle context set deploy TOKEN <file   takes it from a file or a pipe
   popsicle context list
   popsicle context rm deploy TOKEN` + whereSecretsAre,
		Suggest:      true,
		OnUsageError: usageError,
		Action:       helpOrUnknown,
		Commands:     []*cli.Command{contextSetCommand(), contextListCommand(), contextRmCommand()},
	}
}

// whereSecretsAre ends the help of what keeps secrets.
const whereSecretsAre = `

Values lie in $POPSICLE_HOME/contexts, where only you can read them, sealed
with a key of the system's keychain where it has one. POPSICLE_SECRETS=file
does without the keychain, POPSICLE_SECRETS=keychain insists on it.`

func contextSetCommand() *cli.Command {
	return &cli.Command{
		Name:      "set",
		Usage:     "keep a variable of a context",
		ArgsUsage: "NAME KEY",
		Description: `Asks for the value, or reads it from standard input. One line end at its end is
left out. A value that was there is replaced.

   popsicle context set deploy TOKEN
   popsicle context set deploy SSH_KEY <~/.ssh/deploy`,
		Suggest:      true,
		OnUsageError: usageError,
		Action: func(_ context.Context, c *cli.Command) error {
			if err := valueInArguments(c, 2, "popsicle context set NAME KEY"); err != nil {
				return err
			}
			return setVariable(c, vault.Shelf{Kind: vault.Context, Name: c.Args().Get(0)}, c.Args().Get(1))
		},
	}
}

func contextListCommand() *cli.Command {
	return &cli.Command{
		Name:      "list",
		Usage:     "name the contexts and their variables, never a value",
		ArgsUsage: "[NAME]",
		Description: `Values stay where they are: no command prints them.

   popsicle context list
   popsicle context list deploy --json`,
		Flags:        []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "as a JSON array"}},
		Suggest:      true,
		OnUsageError: usageError,
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Len() > 1 {
				return usage("popsicle context list [NAME]: one context, or all")
			}
			return listShelves(c, vault.Context, c.Args().First(), "no contexts are kept here: popsicle context set NAME KEY")
		},
	}
}

func contextRmCommand() *cli.Command {
	return &cli.Command{
		Name:      "rm",
		Usage:     "forget a context, or one of its variables",
		ArgsUsage: "NAME [KEY]",
		Description: `Forgets one variable of the context NAME, or with NAME alone all of it.

   popsicle context rm deploy TOKEN
   popsicle context rm deploy`,
		Suggest:      true,
		OnUsageError: usageError,
		Action: func(_ context.Context, c *cli.Command) error {
			if n := c.Args().Len(); n < 1 || n > 2 {
				return usage("popsicle context rm NAME [KEY]: name a context, or one of its variables")
			}
			return removeVariable(c, vault.Shelf{Kind: vault.Context, Name: c.Args().Get(0)}, c.Args().Get(1))
		},
	}
}
