package commands

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/finding"
	"github.com/popsicle-ci/popsicle/commands/registry"
	"github.com/popsicle-ci/popsicle/commands/term"
)

func vendorCommand() *cli.Command {
	return &cli.Command{
		Name:      "vendor",
		Usage:     "fetch the orbs of a config, once",
		ArgsUsage: "[FILE…]",
		Description: `Fetches every orb that the FILEs, or those of the checkout, import from the
registry or by URL, and what those import, into .popsicle/orbs. What is locked
keeps its version: --update looks for newer ones that fit. Without FILE, orbs
that are no longer used are removed.

   popsicle orb vendor
   popsicle orb vendor --update
   popsicle orb vendor --check      nothing is fetched; for CI
   pass circleci | popsicle orb vendor --token-file -

Private orbs need the token of an account: in CIRCLECI_CLI_TOKEN, or in a file.

Exit codes: 0 all are here, 2 an orb does not exist or was changed, 3 the
registry could not do its part.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "check", Usage: "only see that all are here and unchanged"},
			&cli.BoolFlag{Name: "update", Usage: "take the newest version that fits"},
			&cli.StringFlag{Name: "registry", Usage: "ask the registry at `URL`", Value: registry.DefaultURL, Sources: cli.EnvVars("POPSICLE_ORB_REGISTRY")},
			&cli.StringFlag{Name: "token-file", Usage: "read the token for private orbs from `FILE`, - being standard input"},
			&cli.StringSliceFlag{Name: "param", Aliases: []string{"p"}, Usage: "set a pipeline parameter, `NAME=VALUE`"},
			colorFlag(), dirFlag(),
		},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       vendorAction,
	}
}

func vendorAction(ctx context.Context, c *cli.Command) error {
	p, err := openProject(c, c.Args().Slice())
	if err != nil {
		return err
	}
	if c.Bool("check") {
		return p.checkOrbs(c)
	}
	v, err := p.newVendor(ctx, c)
	if err != nil {
		return err
	}
	var wrong []finding.Finding
	for _, s := range p.sources {
		list, err := v.file(s, p.lines())
		if err != nil {
			return err
		}
		wrong = append(wrong, list...)
	}
	if err := v.save(v.code != exitPassed || p.named); err != nil {
		return fmt.Errorf("%s: %w", vendored, err)
	}
	if len(wrong) > 0 || v.code != exitPassed {
		if err := term.Findings(os.Stderr, wrong, newTheme(c, os.Stderr)); err != nil {
			return err
		}
		return toldError(v.code)
	}
	_, err = fmt.Fprintf(stdout(c), "%s in %s, %d fetched\n", plural(len(v.asked), "orb"), vendored, len(v.fetched))
	return err
}

// registryToken is the token of an account at the registry, if one was given;
// never as an argument, which everybody on the machine can read.
func registryToken(c *cli.Command) (string, error) {
	name := c.String("token-file")
	if name == "" {
		return os.Getenv("CIRCLECI_CLI_TOKEN"), nil
	}
	var text []byte
	var err error
	if name == "-" {
		text, err = io.ReadAll(io.LimitReader(c.Root().Reader, 4096))
	} else {
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return "", usage("--token-file: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// checkOrbs sees that every orb is here and as the lock file says.
func (p *project) checkOrbs(c *cli.Command) error {
	s, err := p.survey(c)
	if err != nil {
		return err
	}
	bad := 0
	for _, r := range s.rows() {
		if r.State == "unused" {
			if _, err := s.Library.Orb(r.Ref); err != nil {
				r.Error = err.Error()
			}
		}
		if r.Error != "" {
			bad++
			fmt.Fprintf(os.Stderr, "%s: %s\n", printable(r.Ref), r.Error)
		}
	}
	if bad > 0 {
		return toldError(exitUsage)
	}
	_, err = fmt.Fprintf(stdout(c), "%s here and unchanged\n", plural(len(s.refs), "orb"))
	return err
}
