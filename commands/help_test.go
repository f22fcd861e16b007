package commands

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/urfave/cli/v3"
)

// visit calls f with every command that help shows.
func visit(t *testing.T, f func(t *testing.T, c *cli.Command)) {
	t.Helper()
	err := Tree().Walk(func(c *cli.Command) error {
		if !c.Hidden {
			t.Run(c.FullName(), func(t *testing.T) { f(t, c) })
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// example is a line of a description that can be typed: the command, and what
// may be said of it after two spaces.
var example = regexp.MustCompile(`(?m)^   (?:[^|\n]* \| )?(popsicle(?: .*?)?)(?: +[|<>].*)?(?:  .*)?$`)

func TestEveryCommandIsExplained(t *testing.T) {
	visit(t, func(t *testing.T, c *cli.Command) {
		if c.Usage == "" || strings.HasSuffix(c.Usage, ".") || c.Usage[0] < 'a' || c.Usage[0] > 'z' || len(c.Usage) > 64 {
			t.Errorf("Usage is %q: one line of at most 64 letters that goes on from the command's name", c.Usage)
		}
		if c.Description == "" || c.Description[0] == ' ' {
			t.Error("Description begins with a paragraph that says what the command does")
		}
		mine := false
		for _, m := range example.FindAllStringSubmatch(c.Description, -1) {
			mine = mine || strings.HasPrefix(m[1]+" ", c.FullName()+" ")
		}
		if !mine {
			t.Errorf("Description has no example: a line that begins with three spaces and %q", c.FullName())
		}
		for _, f := range FlagsHelp(c) {
			if f.About == "" {
				t.Errorf("%s has no Usage", f.Names)
			}
		}
	})
}

// quoted is one word of a shell's line, quotes and all.
var quoted = regexp.MustCompile(`(?:'[^']*'|[^\s'])+`)

// Whoever types an example gets past the command line.
func TestExamplesParse(t *testing.T) {
	visit(t, func(t *testing.T, c *cli.Command) {
		for _, m := range example.FindAllStringSubmatch(c.Description, -1) {
			words := quoted.FindAllString(m[1], -1)
			for i := range words {
				words[i] = strings.ReplaceAll(words[i], "'", "")
			}
			if err := parse(words); err != nil {
				t.Errorf("%s\n%v", m[1], err)
			}
		}
	})
}

// parse reads a command line and does nothing.
func parse(words []string) error {
	r := root()
	r.Writer = io.Discard
	err := r.Walk(func(c *cli.Command) error {
		action := c.Action
		c.Action = func(ctx context.Context, c *cli.Command) error {
			if len(c.VisibleCommands()) > 0 && c.Args().Present() {
				return action(ctx, c)
			}
			return nil
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.Run(context.Background(), words)
}

func TestExamplesThatDoNotParse(t *testing.T) {
	for _, line := range []string{"popsicle runn", "popsicle run --no-such", "popsicle daemon repo ad x", "popsicle run --pull sometimes", "popsicle cache lst"} {
		if err := parse(strings.Fields(line)); err == nil {
			t.Errorf("%s: nothing is wrong with it", line)
		}
	}
}

// Help fits on a terminal of 80 columns, and says everything.
func TestHelpFits(t *testing.T) {
	visit(t, func(t *testing.T, c *cli.Command) {
		var page bytes.Buffer
		help(&page, c, 80)
		for line := range strings.Lines(page.String()) {
			line = strings.TrimSuffix(line, "\n")
			if ansi.StringWidth(line) > 80 || line != strings.TrimRight(line, " ") || strings.Contains(line, "\x1b") {
				t.Errorf("%q is wider than 80, ends in spaces, or has a colour", line)
			}
		}
		for _, f := range FlagsHelp(c) {
			if !strings.Contains(page.String(), "  "+f.Names) {
				t.Errorf("%s is missing", f.Names)
			}
		}
	})
}

func TestSuggestions(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"runn", `popsicle has no command "runn": did you mean "run"?` + "\n  popsicle --help lists them"},
		{"cache lst", `popsicle cache has no command "lst": did you mean "list"?` + "\n  popsicle cache --help lists them"},
		{"daemon repo ad", `popsicle daemon repo has no command "ad": did you mean "add"?` + "\n  popsicle daemon repo --help lists them"},
		{"history --statu failed", "popsicle history has no flag --statu: did you mean --status?\n  popsicle history --help says what it takes"},
		{"help daemon toke", `popsicle daemon has no command "toke": did you mean "token"?` + "\n  popsicle daemon --help lists them"},
		{"run --workflow", "flag needs an argument: --workflow\n  popsicle run --help says what it takes"},
	} {
		r := root()
		r.Writer = io.Discard
		err := r.Run(t.Context(), append([]string{"popsicle"}, strings.Fields(tt.line)...))
		if err == nil || err.Error() != tt.want || exitCode(err) != exitUsage {
			t.Errorf("popsicle %s:\n got %v\nwant %s", tt.line, err, tt.want)
		}
	}
}
