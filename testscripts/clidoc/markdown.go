package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands"
)

const intro = `# The command line

Made from the help texts: ` + "`popsicle COMMAND --help`" + ` prints the same, ` + "`man popsicle-COMMAND`" + ` too where a package brought
it. ` + "`UPDATE=1 go test ./testscripts/clidoc`" + ` writes this page anew.

Every command exits with 0 where all went well, 1 where a job failed, 2 for wrong usage or an invalid config, 3 where docker,
git, the disk or popsicle itself could not do its part, and 130 when it was interrupted.

`

// markdown is docs/cli.md.
func markdown(root *cli.Command) []byte {
	var out bytes.Buffer
	out.WriteString(intro)
	category := ""
	for _, c := range root.VisibleCommands() {
		if c.Category != category {
			category = c.Category
			fmt.Fprintf(&out, "**%s**\n\n", category)
		}
		fmt.Fprintf(&out, "- [`%s`](#%s): %s\n", c.Name, anchor(c), c.Usage)
		if next := after(root.VisibleCommands(), c); next == nil || next.Category != category {
			out.WriteString("\n")
		}
	}
	_ = visible(root, func(c *cli.Command) error { // section does not fail
		if c != root {
			section(&out, c)
		}
		return nil
	})
	return bytes.TrimRight(out.Bytes(), "\n")
}

func after(all []*cli.Command, c *cli.Command) *cli.Command {
	for i := range all[:len(all)-1] {
		if all[i] == c {
			return all[i+1]
		}
	}
	return nil
}

func anchor(c *cli.Command) string { return strings.ReplaceAll(c.FullName(), " ", "-") }

func section(out *bytes.Buffer, c *cli.Command) {
	level := strings.Repeat("#", len(c.Path()))
	fmt.Fprintf(out, "%s %s\n\n`%s`: %s.\n\n", level, c.FullName(), commands.Synopsis(c), escape(c.Usage))
	if len(c.Aliases) > 0 {
		fmt.Fprintf(out, "Also: `%s`.\n\n", strings.Join(c.Aliases, "`, `"))
	}
	for _, p := range parts(c.Description) {
		if p.typed {
			fmt.Fprintf(out, "```\n%s\n```\n\n", p.text)
		} else {
			fmt.Fprintf(out, "%s\n\n", escape(p.text))
		}
	}
	category := ""
	for i, f := range commands.FlagsHelp(c) {
		if f.Category != category {
			if category = f.Category; i > 0 {
				out.WriteString("\n")
			}
			fmt.Fprintf(out, "%s:\n\n", category)
		}
		fmt.Fprintf(out, "- `%s`: %s\n", f.Names, escape(f.About))
	}
	if len(commands.FlagsHelp(c)) > 0 {
		out.WriteString("\n")
	}
}

// escape keeps text from being taken for markup.
func escape(text string) string {
	return strings.NewReplacer("<", "&lt;", "*", `\*`, "_", `\_`, "[$", `[\$`).Replace(text)
}
