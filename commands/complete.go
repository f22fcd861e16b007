package commands

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// A question is what stands on the command line up to the cursor.
type question struct {
	ctx  context.Context
	cmd  *cli.Command        // the innermost command that is named
	args []string            // its arguments before the cursor
	set  map[string][]string // the values of its flags before the cursor, by their first names
	flag cli.Flag            // whose value is at the cursor, or nil
	head string              // "--flag=" where flag and value are one word
	word string              // what is typed, after head
	only bool                // a -- came before: no flags any more
}

// A candidate is a word that may stand at the cursor.
type candidate struct{ word, about string }

// A lister finds the candidates for one kind of name. What it cannot read it
// leaves out: a key that does nothing is better than one that prints errors.
type lister func(q *question) []candidate

// askedOn reads the words behind "popsicle"; the last is the one at the cursor.
func askedOn(ctx context.Context, root *cli.Command, words []string) *question {
	q := &question{ctx: ctx, cmd: root, set: map[string][]string{}}
	if len(words) == 0 {
		return q
	}
	last := len(words) - 1
	for _, w := range words[:last] {
		q.take(w)
	}
	q.word = strings.TrimSpace(words[last])
	name, value, joined := strings.Cut(q.word, "=")
	if f := q.named(name); joined && q.flag == nil && f != nil {
		q.flag, q.head, q.word = f, name+"=", value
	}
	return q
}

// take reads a word before the cursor.
func (q *question) take(w string) {
	name, value, joined := strings.Cut(w, "=")
	switch f := q.named(name); {
	case q.flag != nil:
		q.set[q.flag.Names()[0]] = append(q.set[q.flag.Names()[0]], w)
		q.flag = nil
	case w == "--":
		q.only = true
	case f != nil && joined:
		q.set[f.Names()[0]] = append(q.set[f.Names()[0]], value)
	case f != nil && takesValue(f):
		q.flag = f
	case f != nil:
		q.set[f.Names()[0]] = nil
	case !strings.HasPrefix(w, "-") || q.only:
		if sub := q.cmd.Command(w); sub != nil && len(q.args) == 0 {
			q.cmd, q.set = sub, map[string][]string{}
		} else {
			q.args = append(q.args, w)
		}
	}
}

// named finds the flag that a word names, with its dashes.
func (q *question) named(word string) cli.Flag {
	name := strings.TrimLeft(word, "-")
	if q.only || name == word {
		return nil
	}
	for _, f := range q.cmd.VisibleFlags() {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

// answer writes what is asked for, words, files or dirs, and the words.
func (q *question) answer(w io.Writer) error {
	kind, found := q.candidates()
	lines := []string{kind}
	for _, c := range found {
		if strings.HasPrefix(c.word, q.word) && !strings.ContainsAny(c.word, "\t\n") {
			lines = append(lines, q.head+c.word+"\t"+strings.Join(strings.Fields(c.about), " "))
		}
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

func (q *question) candidates() (kind string, found []candidate) {
	switch {
	case q.flag != nil:
		return q.values()
	case strings.HasPrefix(q.word, "-") && !q.only:
		return "words", q.flags()
	}
	if found = subcommands(q.cmd); len(found) > 0 && len(q.args) == 0 {
		return "words", found
	}
	if list := argumentLister(q); list != nil {
		return "words", list(q)
	}
	return pathKind(q.cmd.ArgsUsage), nil
}

func subcommands(of *cli.Command) (found []candidate) {
	for _, c := range of.VisibleCommands() {
		found = append(found, candidate{c.Name, c.Usage})
	}
	return found
}

// flags are those of the command that are not there yet, or may be repeated.
func (q *question) flags() (found []candidate) {
	for _, f := range q.cmd.VisibleFlags() {
		name := f.Names()[0]
		about, many := "", false
		if d, ok := f.(cli.DocGenerationFlag); ok {
			about = strings.ReplaceAll(d.GetUsage(), "`", "")
		}
		if m, ok := f.(cli.DocGenerationMultiValueFlag); ok {
			many = m.IsMultiValueFlag()
		}
		if _, there := q.set[name]; !there || many {
			found = append(found, candidate{"--" + name, about})
		}
	}
	return found
}

// choice finds the values that a flag's help lists: "`WHEN`: a, b or c".
var choice = regexp.MustCompile("`[A-Z]+`: ([a-z_-]+(?:, [a-z_-]+)*(?:,? or [a-z_-]+)?)")

// values are what the flag at the cursor takes.
func (q *question) values() (kind string, found []candidate) {
	name := q.flag.Names()[0]
	if list := q.flagLister(name); list != nil {
		return "words", list(q)
	}
	about := q.flag.(cli.DocGenerationFlag).GetUsage()
	if m := choice.FindStringSubmatch(about); m != nil {
		for _, w := range regexp.MustCompile(`[a-z_-]+`).FindAllString(m[1], -1) {
			if w != "or" {
				found = append(found, candidate{w, ""})
			}
		}
		return "words", found
	}
	return pathKind(about), nil
}

// pathKind says what a placeholder in a help text stands for.
func pathKind(text string) string {
	switch {
	case strings.Contains(text, "FILE"), strings.Contains(text, "PROGRAM"):
		return "files"
	case strings.Contains(text, "DIR"):
		return "dirs"
	}
	return "words"
}

// typedName is what is typed to name a command, without "popsicle".
func typedName(c *cli.Command) string {
	_, rest, _ := strings.Cut(c.FullName(), " ")
	return rest
}
