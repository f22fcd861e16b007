package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// Warnings are what the source of an expanded file should rather not do, in
// the order of their places. Each has a code, by which a comment on its line,
// or on the line above, switches it off: `# popsicle:ignore unused-job`.
func (f *File) Warnings() []*Error {
	l := &linter{file: f, off: suppressed(f.text), seen: map[plan.Pos]bool{}}
	for _, w := range f.warnings {
		l.add(w)
	}
	if f.source != nil {
		l.unused()
		l.anchors()
		l.walk(f.source, place{})
		l.workflows()
	}
	slices.SortStableFunc(l.list, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return l.list
}

// A linter collects the warnings of one file.
type linter struct {
	file *File
	off  map[int][]string // the codes that are switched off, by line
	seen map[plan.Pos]bool
	list []*Error
}

func (l *linter) add(e *Error) {
	if e.Pos.File == l.file.Path {
		if codes, off := l.off[e.Pos.Line]; off && (len(codes) == 0 || slices.Contains(codes, e.Code)) {
			return
		}
	}
	if !l.seen[e.Pos] { // aliases lead to the same place again
		l.seen[e.Pos] = true
		l.list = append(l.list, e)
	}
}

func (l *linter) warn(n *tree.Node, code, message, hint string) {
	l.add(&Error{Pos: n.Pos(), Code: code, Message: message, Hint: hint})
}

// suppressed finds the comments that switch warnings off. A comment that
// stands alone is for the line below it.
func suppressed(text []byte) map[int][]string {
	const mark = "# popsicle:ignore"
	off := map[int][]string{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		before, codes, found := strings.Cut(line, mark)
		if !found {
			continue
		}
		at := number
		if strings.TrimSpace(before) == "" {
			at++
		}
		off[at] = append(off[at], strings.FieldsFunc(codes, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' })...)
		if off[at] == nil {
			off[at] = []string{} // all codes
		}
	}
	return off
}

func (l *linter) anchors() {
	for name, pos := range tree.UnusedAnchors(l.file.Path, l.file.text) {
		l.add(&Error{Pos: pos, Code: "unused-anchor", Message: fmt.Sprintf("the anchor &%s is never used", name), Hint: "remove it"})
	}
}

// unused looks for definitions that nothing names. Every word of the config
// counts as a use, so that what is reported is really unused.
func (l *linter) unused() {
	words := newWords(l.file.source)
	for _, k := range []struct{ section, code, what string }{
		{"jobs", "unused-job", "job"}, {"commands", "unused-command", "command"}, {"executors", "unused-executor", "executor"},
		{"orbs", "unused-orb", "orb"}, {"job-groups", "unused-group", "job group"},
	} {
		for _, p := range pairs(l.file.source.Get(k.section)) {
			if k.section == "jobs" && l.file.source.Get("workflows") == nil && p.Key.Text == "build" {
				continue
			}
			if !words.uses(p.Key.Text, p.Key) {
				l.warn(p.Key, k.code, fmt.Sprintf("the %s %q is never used", k.what, p.Key.Text), "remove it, or use it")
			}
			if k.section != "orbs" {
				l.unusedParameters(p.Value, "parameters.", p.Value)
			}
		}
	}
	l.unusedParameters(l.file.source, "pipeline.parameters.", l.file.source)
}

// unusedParameters looks for parameters that no text of the element names.
func (l *linter) unusedParameters(declares *tree.Node, prefix string, body *tree.Node) {
	declared := pairs(declares.Get("parameters"))
	if len(declared) == 0 {
		return
	}
	var texts []string
	each(body, func(n *tree.Node) {
		if n.Kind == tree.String && strings.Contains(n.Text, prefix) {
			texts = append(texts, n.Text)
		}
	})
	for _, p := range declared {
		name := prefix + p.Key.Text
		if !slices.ContainsFunc(texts, func(s string) bool { return names(s, name) }) {
			l.warn(p.Key, "unused-parameter", fmt.Sprintf("the parameter %q is never used", p.Key.Text), "remove it, or use it as << "+name+" >>")
		}
	}
}

// names tells whether a text has the name as a whole word.
func names(text, name string) bool {
	for {
		i := strings.Index(text, name)
		if i < 0 {
			return false
		}
		rest := text[i+len(name):]
		if rest == "" || !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", rune(rest[0])) {
			return true
		}
		text = rest
	}
}

// each visits a value and all in it.
func each(n *tree.Node, visit func(*tree.Node)) {
	visit(n)
	for _, item := range n.Items {
		each(item, visit)
	}
	for _, p := range n.Pairs {
		visit(p.Key)
		each(p.Value, visit)
	}
}
