package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands"
)

func manName(c *cli.Command) string { return strings.ReplaceAll(c.FullName(), " ", "-") }

// man is the manual page of a command, in the macros of man(7).
func man(c *cli.Command) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, ".TH %q 1 \"\" \"popsicle\" \"Popsicle\"\n", strings.ToUpper(manName(c)))
	fmt.Fprintf(&out, ".SH NAME\n%s \\- %s\n", roff(manName(c)), roff(c.Usage))
	fmt.Fprintf(&out, ".SH SYNOPSIS\n.B %s\n%s\n", roff(c.FullName()), roff(strings.TrimPrefix(commands.Synopsis(c), c.FullName()+" ")))
	out.WriteString(".SH DESCRIPTION\n")
	for i, p := range parts(c.Description) {
		if p.typed {
			fmt.Fprintf(&out, ".PP\n.RS 4\n.EX\n%s\n.EE\n.RE\n", roff(p.text))
			continue
		}
		if i > 0 {
			out.WriteString(".PP\n")
		}
		fmt.Fprintln(&out, roff(p.text))
	}
	manCommands(&out, c)
	manFlags(&out, c)
	manSeeAlso(&out, c)
	return out.Bytes()
}

func manCommands(out *bytes.Buffer, c *cli.Command) {
	if len(c.VisibleCommands()) > 0 {
		out.WriteString(".SH COMMANDS\n")
	}
	for _, sub := range c.VisibleCommands() {
		fmt.Fprintf(out, ".TP\n.B %s\n%s\n", roff(strings.Join(sub.Names(), ", ")), roff(sub.Usage))
	}
}

func manFlags(out *bytes.Buffer, c *cli.Command) {
	category := "Flags" // which need no heading of their own where they are all
	for i, f := range commands.FlagsHelp(c) {
		if i == 0 {
			out.WriteString(".SH OPTIONS\n")
		}
		if f.Category != category {
			category = f.Category
			fmt.Fprintf(out, ".SS %s\n", roff(category))
		}
		fmt.Fprintf(out, ".TP\n.B %s\n%s\n", roff(f.Names), roff(f.About))
	}
}

// manSeeAlso names the page above, and those below.
func manSeeAlso(out *bytes.Buffer, c *cli.Command) {
	var pages []string
	if path := c.Path(); len(path) > 1 {
		pages = append(pages, strings.Join(path[:len(path)-1], "-"))
	}
	for _, sub := range c.VisibleCommands() {
		pages = append(pages, manName(sub))
	}
	out.WriteString(".SH SEE ALSO\n")
	for i, p := range pages {
		comma := ","
		if i == len(pages)-1 {
			comma = ""
		}
		fmt.Fprintf(out, ".BR %s (1)%s\n", roff(p), comma)
	}
}

// roff keeps text from being taken for requests.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", "...", "–", `\(en`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
