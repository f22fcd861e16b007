package commands

import (
	"context"
	"os"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/runner/config/schema"
)

func configCommand() *cli.Command {
	return &cli.Command{
		Name:  "config",
		Usage: "check, compile and draw configs, without running anything",
		Description: `Works on FILE, else on .popsicle/*.yml or .circleci/config.yml of the
checkout. Nothing is fetched. docs/config-commands.md tells more of each.

   popsicle config validate
   popsicle config process --tag v1.0.0
   popsicle config graph`,
		Commands: []*cli.Command{validateCommand(), processCommand(), graphCommand(), schemaCommand(), evalCommand()},
	}
}

// compileFlags are what a config is compiled with, where nothing runs.
func compileFlags() []cli.Flag {
	const category = "What it is compiled with"
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "param", Aliases: []string{"p"}, Usage: "set a pipeline parameter, `NAME=VALUE`", Category: category},
		&cli.StringFlag{Name: "branch", Usage: "play the branch `NAME`", DefaultText: "the one that is checked out", Category: category},
		&cli.StringFlag{Name: "tag", Usage: "play the tag `NAME`", Category: category},
		&cli.StringSliceFlag{Name: "value", Usage: "set a pipeline value, `pipeline.NAME=VALUE`", Category: category},
		&cli.StringFlag{Name: "schedule", Usage: "play the schedule of the workflow `NAME`", Category: category},
		&cli.StringFlag{Name: "orbs", Usage: "take orbs from the folders of `DIR` by their names, whatever version is asked for", Category: category},
		&cli.BoolFlag{Name: "relax-orbs", Usage: "take orbs in whatever version is there, and look past what they lack", Category: category},
		dirFlag(),
	}
}

func dirFlag() cli.Flag {
	return &cli.StringFlag{Name: "dir", Aliases: []string{"C"}, Usage: "the checkout that holds `DIR`", Value: ".", Category: "What it is compiled with"}
}

func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write into `FILE`", DefaultText: "standard output"}
}

// deliver writes a result to where --output says.
func deliver(c *cli.Command, text []byte) error {
	if name := c.String("output"); name != "" && name != "-" {
		return os.WriteFile(name, text, 0o666)
	}
	_, err := stdout(c).Write(text)
	return err
}

// oneOf refuses values of a flag that there are not.
func oneOf(flag string, values ...string) func(string) error {
	return func(s string) error {
		for _, v := range values {
			if s == v {
				return nil
			}
		}
		return usage("--%s %s: there are %s", flag, s, strings.Join(values, ", "))
	}
}

func schemaCommand() *cli.Command {
	return &cli.Command{
		Name:  "schema",
		Usage: "print the JSON Schema of configs, for editors",
		Description: `Prints a JSON Schema (draft 7) with what every key means. Editors with the
YAML language server take it from a comment at the top of a config:

   # yaml-language-server: $schema=popsicle.schema.json

   popsicle config schema -o .popsicle/popsicle.schema.json`,
		Flags:        []cli.Flag{outputFlag()},
		Suggest:      true,
		OnUsageError: usageError,
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return usage("config schema takes no arguments")
			}
			return deliver(c, schema.JSON())
		},
	}
}
