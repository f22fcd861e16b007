package actions

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// text writes the config.
func (c *converter) text() string {
	var b strings.Builder
	b.WriteString(`# Written by popsicle init, from .github/workflows. Try it: popsicle run
# What has no counterpart stands as a comment where it was. The language is
# CircleCI's: popsicle config validate checks it, docs/config.md tells of it.
version: 2.1

jobs:
`)
	for _, j := range c.jobs {
		j.write(&b)
	}
	b.WriteString("workflows:\n")
	for _, w := range c.workflows {
		w.write(&b)
	}
	return b.String()
}

func (j job) write(b *strings.Builder) {
	comments(b, 1, append([]string{j.found}, j.notes...))
	fmt.Fprintf(b, "  %s:\n", j.name)
	indented(b, 2, j.head)
	b.WriteString("    steps:\n")
	some := false
	for _, s := range j.steps {
		comments(b, 3, s.notes)
		if s.node != nil {
			some = true
			indented(b, 3, s.node.ListOf([]*tree.Node{s.node}))
		}
	}
	if !some {
		b.WriteString("      - checkout\n")
	}
	b.WriteString("\n")
}

func (w workflow) write(b *strings.Builder) {
	fmt.Fprintf(b, "  %s:\n    jobs:\n", w.name)
	for _, j := range w.jobs {
		if w.tags {
			j = forTagsAlone(j)
		}
		indented(b, 3, j.ListOf([]*tree.Node{j}))
	}
}

// forTagsAlone gives an entry the filters of a workflow that only tags start.
func forTagsAlone(entry *tree.Node) *tree.Node {
	every := func(key string) *tree.Node {
		return entry.MapOf(tree.Pair{Key: entry.Str(key), Value: entry.Str("/.*/")})
	}
	filters := entry.MapOf(
		tree.Pair{Key: entry.Str("tags"), Value: every("only")},
		tree.Pair{Key: entry.Str("branches"), Value: every("ignore")})
	name, rest := entry.Text, entry.MapOf()
	if entry.Is(tree.Map) {
		name, rest = entry.Pairs[0].Key.Text, entry.Pairs[0].Value
	}
	return entry.MapOf(tree.Pair{Key: entry.Str(name), Value: rest.With("filters", filters)})
}

// comments writes lines that a reader alone sees.
func comments(b *strings.Builder, depth int, notes []string) {
	for _, n := range notes {
		fmt.Fprintf(b, "%s# %s\n", strings.Repeat("  ", depth), oneLine(n))
	}
}

// indented writes a value as YAML, so deep.
func indented(b *strings.Builder, depth int, n *tree.Node) {
	space := strings.Repeat("  ", depth)
	for line := range strings.Lines(string(tree.Write(n))) {
		if strings.TrimSpace(line) != "" {
			b.WriteString(space)
		}
		b.WriteString(line)
	}
}

var notSlug = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// slug makes a name of a job or workflow.
func slug(name string) string {
	if s := strings.Trim(notSlug.ReplaceAllString(name, "-"), "-"); s != "" {
		return s
	}
	return "job"
}

// oneLine is text for a comment, cut where it gets long.
func oneLine(text string) string {
	const most = 160
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + " …"
	}
	return text
}

// lines are the lines of a text that hold something.
func lines(text string) []string {
	var all []string
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" {
			all = append(all, l)
		}
	}
	return all
}

// first is the first text that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// items are those of a list, pairs those of a map; other nodes have none.
func items(n *tree.Node) []*tree.Node {
	if n == nil {
		return nil
	}
	return n.Items
}

func pairs(n *tree.Node) []tree.Pair {
	if n == nil {
		return nil
	}
	return n.Pairs
}

// listed is a list, or what stands alone in the place of one.
func listed(n *tree.Node) []*tree.Node {
	if n.Scalar() && n.String() != "" {
		return []*tree.Node{n}
	}
	return items(n)
}

// words is a scalar or a list of them as one text.
func words(n *tree.Node) string {
	var all []string
	for _, item := range listed(n) {
		all = append(all, item.String())
	}
	return strings.Join(all, " ")
}
