package commands

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/chart"
	"github.com/popsicle-ci/popsicle/commands/term"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

func graphCommand() *cli.Command {
	return &cli.Command{
		Name:      "graph",
		Usage:     "draw the jobs of a config and what they wait for",
		ArgsUsage: "[FILE…]",
		Description: `Draws the workflows of each FILE as they are on this branch. A requirement
that follows from others has no line of its own.

   popsicle config graph
   popsicle config graph --format svg -o pipeline.svg
   popsicle config graph --format mermaid --tag v1.0.0   for Markdown`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "format", Usage: "draw as `FORMAT`: text, mermaid, dot or svg", Value: "text", Validator: oneOf("format", "text", "mermaid", "dot", "svg")},
			outputFlag(), colorFlag(),
		}, compileFlags()),
		Suggest:      true,
		OnUsageError: usageError,
		Action:       graphAction,
	}
}

func graphAction(ctx context.Context, c *cli.Command) error {
	p, o, err := openConfigs(ctx, c)
	if err != nil {
		return err
	}
	whole := &plan.Pipeline{}
	for k := range newChecks(p.sources, o) {
		if k.plan == nil {
			return p.refuse(k, newTheme(c, os.Stderr))
		}
		whole.Workflows = append(whole.Workflows, k.plan.Workflows...)
	}
	var drawn bytes.Buffer
	if err := draw(c, &drawn, whole); err != nil {
		return err
	}
	return deliver(c, drawn.Bytes())
}

func draw(c *cli.Command, w io.Writer, p *plan.Pipeline) error {
	switch c.String("format") {
	case "mermaid":
		return chart.Mermaid(w, p)
	case "dot":
		return chart.DOT(w, p)
	case "svg":
		return chart.SVG(w, p)
	}
	theme := newTheme(c, os.Stdout)
	if c.IsSet("output") {
		theme.Size, theme.Color = nil, c.String("color") == "always"
	}
	return term.Graph(w, p, theme)
}
