package commands

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/term"
)

// The widest column of names, and the widest page of help: longer lines are
// hard to read.
const (
	helpNames = 26
	helpPage  = 100
)

func init() {
	cli.HelpPrinter = func(w io.Writer, _ string, data any) {
		columns := 80
		if term.IsTerminal(os.Stdout) {
			columns, _ = term.Size(os.Stdout)()
		}
		help(w, data.(*cli.Command), min(columns, helpPage))
	}
}

// A FlagHelp is what help says of a flag.
type FlagHelp struct {
	Category string // "Flags" where the code names none
	Names    string // "-w, --workflow WORKFLOW"
	About    string
}

// FlagsHelp is what help says of a command's flags, in the order in which the
// code names them, so that a category is in one piece.
func FlagsHelp(c *cli.Command) (all []FlagHelp) {
	for _, f := range c.VisibleFlags() {
		h := FlagHelp{Names: flagNames(f), Category: "Flags"}
		if categorized, ok := f.(cli.CategorizableFlag); ok && categorized.GetCategory() != "" {
			h.Category = categorized.GetCategory()
		}
		_, h.About, _ = strings.Cut(f.String(), "\t")
		if m, ok := f.(cli.DocGenerationMultiValueFlag); ok && m.IsMultiValueFlag() && !strings.Contains(h.About, "(again") {
			h.About += " (again: several)"
		}
		all = append(all, h)
	}
	var order []string
	for _, h := range all {
		if !slices.Contains(order, h.Category) {
			order = append(order, h.Category)
		}
	}
	slices.SortStableFunc(all, func(a, b FlagHelp) int { return slices.Index(order, a.Category) - slices.Index(order, b.Category) })
	return all
}

// flagNames writes the short names first, and what the flag takes once.
func flagNames(f cli.Flag) string {
	var names []string
	for _, n := range f.Names() {
		if len(n) == 1 {
			names = append([]string{"-" + n}, names...)
		} else {
			names = append(names, "--"+n)
		}
	}
	text := strings.Join(names, ", ")
	if d, ok := f.(cli.DocGenerationFlag); ok && d.TakesValue() {
		_, after, _ := strings.Cut(d.GetUsage(), "`")
		placeholder, _, found := strings.Cut(after, "`")
		if !found {
			placeholder = "VALUE"
		}
		text += " " + placeholder
	}
	return text
}

// Synopsis is what is typed, in short.
func Synopsis(c *cli.Command) string {
	text := c.FullName()
	if len(c.VisibleCommands()) > 0 {
		text += " COMMAND"
	}
	if len(c.VisibleFlags()) > 0 {
		text += " [FLAG…]"
	}
	if c.ArgsUsage != "" {
		text += " " + c.ArgsUsage
	}
	return text
}

// help prints the page of a command, in lines of at most columns.
func help(w io.Writer, c *cli.Command, columns int) {
	fmt.Fprintf(w, "%s\n\n", ansi.Wordwrap(c.FullName()+" – "+c.Usage, columns, ""))
	fmt.Fprintf(w, "Usage: %s\n", Synopsis(c))
	if c.Description != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimRight(c.Description, "\n"))
	}
	category := ""
	heading := func(next string) {
		if next != category {
			fmt.Fprintf(w, "\n%s\n", next)
			category = next
		}
	}
	for _, sub := range c.VisibleCommands() {
		heading(cmp.Or(sub.Category, "Commands"))
		row(w, strings.Join(sub.Names(), ", "), sub.Usage, helpNames/2, columns)
	}
	for _, f := range FlagsHelp(c) {
		heading(f.Category)
		row(w, f.Names, f.About, helpNames, columns)
	}
	if len(c.VisibleCommands()) > 0 {
		fmt.Fprintf(w, "\n%s COMMAND --help says more of one.\n", c.FullName())
	}
}

// row prints a name, and beside it what it is, or below where the name is
// long.
func row(w io.Writer, name, about string, wide, columns int) {
	indent := wide + 4
	first := fmt.Sprintf("  %-*s  ", wide, name)
	if ansi.StringWidth(name) > wide {
		first = "  " + name + "\n" + strings.Repeat(" ", indent)
	}
	text := ansi.Wordwrap(about, max(columns-indent, 20), "")
	fmt.Fprintln(w, first+strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", indent)))
}

func helpCommand() *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "say more of a command",
		ArgsUsage: "[COMMAND…]",
		Description: `Prints what --help prints behind the command, and without one lists them all.
man popsicle-run has the same as a manual page, where a package brought it.

   popsicle help run
   popsicle help daemon repo`,
		Action: func(_ context.Context, c *cli.Command) error {
			of := c.Root()
			for _, name := range c.Args().Slice() {
				sub := of.Command(name)
				if sub == nil {
					return unknownCommand(of, name)
				}
				of = sub
			}
			cli.HelpPrinter(stdout(c), "", of)
			return nil
		},
	}
}

// helpOrUnknown is what a command with commands does without one it knows.
func helpOrUnknown(_ context.Context, c *cli.Command) error {
	if name := c.Args().First(); name != "" {
		return unknownCommand(c, name)
	}
	cli.HelpPrinter(stdout(c), "", c)
	return nil
}

// usageError says what is wrong with flags, and which was meant.
func usageError(_ context.Context, c *cli.Command, err error, _ bool) error {
	hint := ""
	if own := validators(err); own != nil {
		return own
	}
	if wrong := wrongValue(c, err); wrong != nil {
		return wrong
	}
	if _, name, ok := strings.Cut(err.Error(), "flag provided but not defined: -"); ok {
		err = fmt.Errorf("%s has no flag %s", c.FullName(), dashed(name))
		hint = otherFlag(c, name)
	}
	return usage("%w%s\n  %s --help says what it takes", err, hint, c.FullName())
}

// validators is what a flag's validator said, without what the library puts
// before it; nil: it was none.
func validators(err error) error {
	_, own, ok := strings.Cut(err.Error(), ": --")
	if !ok || !strings.HasPrefix(err.Error(), "invalid value ") {
		return nil
	}
	return usage("--%s", own)
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// settle gives a command and those below it what all of them have.
func settle(c *cli.Command) *cli.Command {
	c.Suggest, c.OnUsageError, c.HideHelpCommand = true, usageError, true
	if c.Action == nil {
		c.Action = helpOrUnknown
	}
	for _, sub := range c.Commands {
		settle(sub)
	}
	return c
}
