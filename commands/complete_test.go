package commands

import (
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
)

// Every lister belongs to a command, and to a flag that it has.
func TestListersAreReached(t *testing.T) {
	commands := map[string]bool{}
	flags := map[string]bool{}
	_ = Tree().Walk(func(c *cli.Command) error {
		commands[typedName(c)] = true
		for _, f := range c.Flags {
			flags["--"+f.Names()[0]] = true
			flags[typedName(c)+" --"+f.Names()[0]] = true
		}
		return nil
	})
	for name := range argumentListers {
		if !commands[name] && name != "help" {
			t.Errorf("argumentListers: there is no command %q", name)
		}
	}
	for name := range flagListers {
		if !flags[name] {
			t.Errorf("flagListers: there is no flag %q", name)
		}
	}
}

// A word before the cursor is read as the command line reads it.
func TestQuestion(t *testing.T) {
	for _, tt := range []struct{ line, command, args, set, flag, head, word string }{
		{"", "", "", "", "", "", ""},
		{"ru", "", "", "", "", "", "ru"},
		{"run te", "run", "", "", "", "", "te"},
		{"run -w main test ", "run", "test", "workflow=main", "", "", ""},
		{"run --workflow=main ", "run", "", "workflow=main", "", "", ""},
		{"run --only --pull ", "run", "", "only=", "pull", "", ""},
		{"run --pull=al", "run", "", "", "pull", "--pull=", "al"},
		{"run -- --pull ", "run", "--pull", "", "", "", ""},
		{"run -e A=b=c --", "run", "", "env=A=b=c", "", "", "--"},
		{"daemon repo add acme/app --event ", "daemon repo add", "acme/app", "", "event", "", ""},
		{"env rm run ", "env rm", "run", "", "", "", ""},
		{"secret rm ", "env rm", "", "", "", "", ""},
		{"run --unknown x ", "run", "x", "", "", "", ""},
	} {
		t.Run(tt.line, func(t *testing.T) {
			q := askedOn(t.Context(), Tree(), strings.Split(tt.line, " "))
			set := ""
			for name, values := range q.set {
				set += name + "=" + strings.Join(values, ",")
			}
			flag := ""
			if q.flag != nil {
				flag = q.flag.Names()[0]
			}
			got := []string{typedName(q.cmd), strings.Join(q.args, " "), set, flag, q.head, q.word}
			if want := []string{tt.command, tt.args, tt.set, tt.flag, tt.head, tt.word}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
