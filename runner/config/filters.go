package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// refused tells why filters leave a job out of this pipeline; empty: they let
// it run. Without a filter for them all branches run and no tags do.
func (p *planner) refused(filters *tree.Node) string {
	switch {
	case filters.Is(tree.Bool):
		if !filters.True() {
			return "the expression under filters is false"
		}
		return ""
	case p.o.Branch != "" || p.o.Tag == "":
		return p.unmatched("branch", p.o.Branch, filters.Get("branches"), "branches")
	case !filters.Get("tags").Is(tree.Map):
		return fmt.Sprintf("tag %s: a job without a filter for tags does not run on tags", p.o.Tag)
	}
	return p.unmatched("tag", p.o.Tag, filters.Get("tags"), "tags")
}

// unmatched applies one of the two filters: where both only and ignore stand, only counts.
func (p *planner) unmatched(what, name string, filter *tree.Node, key string) string {
	if only := filter.Get("only"); only != nil && only.Kind != tree.Null {
		if p.matched(name, only) == "" {
			return fmt.Sprintf("%s %s is not matched by filters.%s.only: %s", what, name, key, patterns(only))
		}
		return ""
	}
	if by := p.matched(name, filter.Get("ignore")); by != "" {
		return fmt.Sprintf("%s %s is matched by filters.%s.ignore: %s", what, name, key, by)
	}
	return ""
}

func patterns(n *tree.Node) string {
	var all []string
	for _, i := range items(n) {
		all = append(all, i.Text)
	}
	return strings.Join(all, ", ")
}

// matched gives the pattern that matches the whole name, or "".
func (p *planner) matched(name string, list *tree.Node) string {
	for _, item := range items(list) {
		if text := item.Text; isPattern(text) {
			if re := p.pattern(item); re != nil && re.MatchString(name) {
				return text
			}
		} else if text == name {
			return text
		}
	}
	return ""
}

func isPattern(s string) bool { return len(s) > 1 && s[0] == '/' && s[len(s)-1] == '/' }

// pattern compiles /re/, which must match as a whole. A bad one is a mistake.
func (p *planner) pattern(n *tree.Node) *regexp.Regexp {
	re, err := regexp.Compile("^(?:" + n.Text[1:len(n.Text)-1] + ")$")
	if err != nil {
		p.at(n, fmt.Sprintf("the pattern %s is no regular expression: %v", n.Text, err), "write it in the syntax of RE2")
	}
	return re
}
