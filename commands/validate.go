package commands

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/finding"
	"github.com/popsicle-ci/popsicle/commands/term"
)

func validateCommand() *cli.Command {
	return &cli.Command{
		Name:      "validate",
		Usage:     "tell every mistake in a config, and what would be right",
		ArgsUsage: "[FILE…]",
		Description: `Compiles each FILE, "-" being standard input, and tells all that is wrong
with it: mistakes, which keep it from running, and warnings, which each have
a code. A comment on the line, or on the line above, switches them off:

   image: cimg/go:latest # popsicle:ignore unpinned-image

   popsicle config validate                        the files of the checkout
   popsicle config validate --strict ci/*.yml      warnings count as mistakes
   popsicle config validate --format github        annotations of a pull request
   popsicle config validate --format sarif         for code scanning

Exit codes: 0 valid, 2 not.`,
		Flags: slices.Concat([]cli.Flag{
			&cli.BoolFlag{Name: "strict", Usage: "warnings count as mistakes"},
			&cli.BoolFlag{Name: "notes", Usage: "tell, too, what popsicle leaves out or replaces here"},
			&cli.StringFlag{Name: "format", Usage: "write `FORMAT`: text, json, github or sarif", Value: "text", Validator: oneOf("format", "text", "json", "github", "sarif")},
			&cli.BoolFlag{Name: "json", Usage: "the same as --format json"},
			colorFlag(),
		}, compileFlags()),
		Suggest:      true,
		OnUsageError: usageError,
		Action:       validateAction,
	}
}

func validateAction(ctx context.Context, c *cli.Command) error {
	p, o, err := openConfigs(ctx, c)
	if err != nil {
		return err
	}
	lines := p.lines()
	var checks []*check
	var all []finding.Finding
	for k := range newChecks(p.sources, o) {
		k.lint()
		all = append(all, k.findings(lines)...)
		k.forget()
		checks = append(checks, k)
	}
	shown := all
	if !c.Bool("notes") {
		shown = slices.DeleteFunc(slices.Clone(all), func(f finding.Finding) bool { return f.Severity == finding.Note })
	}
	if err := p.writeFindings(c, checks, shown); err != nil {
		return err
	}
	n := count(all)
	if n[finding.Error] > 0 || c.Bool("strict") && n[finding.Warning] > 0 {
		return toldError(exitUsage)
	}
	return nil
}

func count(list []finding.Finding) map[finding.Severity]int {
	n := map[finding.Severity]int{}
	for _, f := range list {
		n[f.Severity]++
	}
	return n
}

func (p *project) writeFindings(c *cli.Command, checks []*check, list []finding.Finding) error {
	out, format := stdout(c), c.String("format")
	if c.Bool("json") {
		format = "json"
	}
	if format == "github" || format == "sarif" {
		for i := range list {
			list[i].Pos.File, list[i].Related.File = p.fromTop(list[i].Pos.File), p.fromTop(list[i].Related.File)
		}
	}
	switch format {
	case "json":
		files := make([]finding.File, len(checks))
		for i, k := range checks {
			files[i] = finding.File{Path: k.source.Path, Valid: len(k.mistakes) == 0, Workflows: k.workflows, Jobs: k.jobs}
		}
		return finding.JSON(out, files, list)
	case "github":
		return finding.GitHub(out, list)
	case "sarif":
		return finding.SARIF(out, version(), list)
	}
	if err := term.Findings(out, list, newTheme(c, os.Stdout)); err != nil {
		return err
	}
	return summarise(out, checks)
}

// summarise says of each file what it is, in a line.
func summarise(out io.Writer, checks []*check) error {
	for _, k := range checks {
		verdict := fmt.Sprintf("valid, %s in %s", plural(k.jobs, "job"), plural(k.workflows, "workflow"))
		if k.setup {
			verdict += ", which make the rest"
		}
		if n := len(k.mistakes); n > 0 {
			verdict = plural(n, "mistake")
		}
		if n := len(k.warnings); n > 0 {
			verdict += ", " + plural(n, "warning")
		}
		if k.notes > 0 {
			verdict += ", " + plural(k.notes, "key") + " not carried out here (--notes)"
		}
		if _, err := fmt.Fprintf(out, "%s: %s\n", k.source.Path, verdict); err != nil {
			return err
		}
	}
	return nil
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
