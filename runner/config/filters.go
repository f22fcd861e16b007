package config

import (
	"fmt"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// refused tells why filters leave a job out of this pipeline; empty: they let
// it run. Without a filter for them all branches run and no tags do.
func (p *planner) refused(filters *tree.Node) string {
	branches, tags := p.filter(filters.Get("branches")), p.filter(filters.Get("tags"))
	switch {
	case filters.Is(tree.Bool):
		if !filters.True() {
			return "the expression under filters is false"
		}
		return ""
	case p.o.Branch != "" || p.o.Tag == "":
		return branches.refuses("branch", p.o.Branch)
	case !filters.Get("tags").Is(tree.Map):
		return fmt.Sprintf("tag %s: a job without a filter for tags does not run on tags", p.o.Tag)
	}
	return tags.refuses("tag", p.o.Tag)
}

// A filter is one of the two maps under filters. Nil lists were not written.
type filter struct{ only, ignore []pattern }

// A pattern is one entry of a filter: a name, or a regular expression.
type pattern struct {
	text  string
	match func(string) bool
}

// filter compiles both lists, also the one that does not count, so that bad
// patterns are found.
func (p *planner) filter(n *tree.Node) filter {
	return filter{p.patterns(n.Get("only")), p.patterns(n.Get("ignore"))}
}

// refuses applies the filter to a name: where both only and ignore stand, only counts.
func (f filter) refuses(what, name string) string {
	key := map[string]string{"branch": "branches", "tag": "tags"}[what]
	if f.only != nil {
		if matched(name, f.only) == "" {
			return fmt.Sprintf("%s %s is not matched by filters.%s.only: %s", what, name, key, texted(f.only))
		}
		return ""
	}
	if by := matched(name, f.ignore); by != "" {
		return fmt.Sprintf("%s %s is matched by filters.%s.ignore: %s", what, name, key, by)
	}
	return ""
}

func texted(list []pattern) string {
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = p.text
	}
	return strings.Join(texts, ", ")
}

// matched gives the pattern that matches the whole name, or "".
func matched(name string, list []pattern) string {
	for _, p := range list {
		if p.match(name) {
			return p.text
		}
	}
	return ""
}

func (p *planner) patterns(n *tree.Node) []pattern {
	var list []pattern
	for _, item := range items(n) {
		text := item.Text
		one := pattern{text, func(s string) bool { return s == text }}
		if len(text) > 1 && text[0] == '/' && text[len(text)-1] == '/' {
			one.match = p.regexp(item)
		}
		list = append(list, one)
	}
	return list
}

// regexp compiles /re/. A bad one is a mistake, and matches nothing.
func (p *planner) regexp(n *tree.Node) func(string) bool {
	match, err := p.whole(n.Text[1 : len(n.Text)-1])
	if err != nil {
		p.at(n, fmt.Sprintf("the pattern %s is no regular expression: %v", n.Text, err), "write it in the syntax of RE2")
		return func(string) bool { return false }
	}
	return match
}
