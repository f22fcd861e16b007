package schema

import (
	"fmt"
	"strings"
)

// Table gives every key of the language, and what popsicle does with it, in
// Markdown: docs/compatibility.md is held to it by a test.
func Table() string {
	l := Get()
	sections := []struct {
		title string
		t     *Type
	}{
		{"The file", l.Config}, {"A job", l.Job}, {"An image", l.Image}, {"An executor", l.Executor}, {"A command", l.Command},
		{"A parameter", l.Parameter}, {"A step", l.Step}, {"A workflow", l.Workflow}, {"A job in a workflow", l.Invocation},
		{"A job group", l.Group}, {"A condition", l.Logic},
	}
	w := &tabler{own: map[*Type]bool{l.Orb: true, l.Steps: true, l.Pipeline: true}}
	for _, s := range sections {
		w.own[s.t] = true
	}
	for _, s := range sections {
		fmt.Fprintf(&w.b, "\n## %s\n\n| key | | popsicle |\n|---|---|---|\n", s.title)
		w.keys("", s.t)
	}
	return w.b.String()
}

// A tabler writes keys as rows. Types with a section of their own are not
// written again where they are used.
type tabler struct {
	b   strings.Builder
	own map[*Type]bool
}

func (w *tabler) keys(path string, t *Type) {
	for _, k := range t.Keys {
		fmt.Fprintf(&w.b, "| `%s%s` | %s | %s |\n", path, k.Name, k.Doc, k.does())
		w.inside(path+k.Name, k.Type)
	}
}

// inside writes the keys of a key's value, of its list's entries, or of a map's values.
func (w *tabler) inside(path string, t *Type) {
	for _, in := range []*Type{t, t.Items} {
		if in != nil && !w.own[in] && in.Items != in && len(in.Keys) > 0 {
			w.keys(path+".", in)
		}
	}
}

// does says what becomes of a key.
func (k Key) does() string {
	switch {
	case k.Ignored != "":
		return "ignored: " + k.Ignored
	case k.Limits != "":
		return "in part: " + k.Limits
	case k.Deprecated != "":
		return "yes; deprecated, write " + k.Deprecated
	}
	return "yes"
}
