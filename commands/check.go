package commands

import (
	"cmp"
	"errors"
	"io/fs"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/go-multierror"

	"github.com/popsicle-ci/popsicle/commands/finding"
	"github.com/popsicle-ci/popsicle/commands/term"
	"github.com/popsicle-ci/popsicle/runner/config"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A check is what one config file was found to be.
type check struct {
	source   source
	file     *config.File   // as expanded; nil where it could not be read
	plan     *plan.Pipeline // nil where there are mistakes
	mistakes []*config.Error
	warnings []*config.Error // once lint was called

	workflows, jobs, notes int // of the plan, which forget drops
	setup                  bool
}

// newChecks compiles the files of one pipeline, one after the other.
func newChecks(sources []source, o config.Options) iter.Seq[*check] {
	return func(yield func(*check) bool) {
		for i := range sources {
			if !yield(newCheck(sources, i, o)) {
				return
			}
		}
	}
}

// newCheck compiles file i of a pipeline, and goes on after mistakes to find
// them all. A parameter that was given need be declared by one of the files.
func newCheck(sources []source, i int, o config.Options) *check {
	c := &check{source: sources[i]}
	f, err := config.Parse(c.source.Path, c.source.Text)
	c.add(err)
	if c.file = f; f != nil {
		c.compile(o, func(parameter string) bool {
			return f.Declares(parameter) || i == 0 && !declared(sources, parameter)
		})
	}
	return c
}

// declared says whether any of the files has the parameter.
func declared(sources []source, parameter string) bool {
	return slices.ContainsFunc(sources, func(s source) bool {
		f, err := config.Parse(s.Path, s.Text)
		return err == nil && f.Declares(parameter)
	})
}

// forget lets go of everything but what was found: hundreds of files are
// checked in the memory of the largest.
func (c *check) forget() { c.file, c.plan, c.source.Text = nil, nil, nil }

// compile expands and plans a file with the parameters that concern it.
func (c *check) compile(o config.Options, concerns func(parameter string) bool) {
	o.Parameters = maps.Clone(o.Parameters)
	maps.DeleteFunc(o.Parameters, func(name, _ string) bool { return !concerns(name) })
	f, err := c.file.Expand(o)
	c.add(err)
	p, planErr := f.Plan(o)
	c.add(planErr)
	c.file = f
	if err == nil && planErr == nil {
		c.plan = p
		c.count()
	}
	slices.SortStableFunc(c.mistakes, func(a, b *config.Error) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
}

// lint looks for what compiles and is likely a mistake.
func (c *check) lint() {
	if c.file != nil {
		c.warnings = c.file.Warnings()
	}
}

// add takes the mistakes of one pass. Of two at one place, the first pass
// knows better.
func (c *check) add(err error) {
	var many *multierror.Error
	if !errors.As(err, &many) {
		if err != nil {
			c.mistakes = append(c.mistakes, &config.Error{Pos: plan.Pos{File: c.source.Path}, Message: err.Error()})
		}
		return
	}
	known := map[plan.Pos]bool{}
	for _, m := range c.mistakes {
		known[m.Pos] = true
	}
	for _, one := range many.Errors {
		var m *config.Error
		if errors.As(one, &m) && !known[m.Pos] {
			c.mistakes = append(c.mistakes, m)
		}
	}
}

// count counts what would run.
func (c *check) count() {
	c.workflows, c.notes, c.setup = len(c.plan.Workflows), len(c.plan.Notes), setUp(c.plan)
	for _, w := range c.plan.Workflows {
		c.jobs += len(w.Jobs)
	}
}

// findings are the mistakes of a file, then its warnings, then its notes.
func (c *check) findings(lines *sourceLines) []finding.Finding {
	var list []finding.Finding
	add := func(severity finding.Severity, code string, pos, related plan.Pos, message, hint string) {
		list = append(list, finding.Finding{
			Severity: severity, Code: code, Pos: pos, Related: related, Message: message, Hint: hint, Source: lines.at(pos),
		})
	}
	for _, e := range c.mistakes {
		add(finding.Error, "", e.Pos, e.Related, e.Message, e.Hint)
	}
	for _, e := range c.warnings {
		add(finding.Warning, e.Code, e.Pos, e.Related, e.Message, e.Hint)
	}
	if c.plan != nil {
		for _, n := range c.plan.Notes {
			add(finding.Note, n.Key, n.Pos, plan.Pos{}, n.Key+" is "+n.Text, "")
		}
	}
	return list
}

// sourceLines gives lines of the files that findings lie in: configs, and
// orbs of the project, which are read when they are asked for.
type sourceLines struct {
	from  []fs.FS
	files map[string][]string
}

func (p *project) lines() *sourceLines {
	l := &sourceLines{from: []fs.FS{p.files.FS()}, files: map[string][]string{}}
	if p.orbDir != nil {
		l.from = append(l.from, p.orbDir)
	}
	for _, s := range p.sources {
		l.files[s.Path] = strings.Split(string(s.Text), "\n")
	}
	return l
}

// at is the line of a place; empty where there is none.
func (l *sourceLines) at(pos plan.Pos) string {
	lines, known := l.files[pos.File]
	if !known {
		lines = l.read(pos.File)
		l.files[pos.File] = lines
	}
	if pos.Line < 1 || pos.Line > len(lines) {
		return ""
	}
	return strings.TrimSuffix(lines[pos.Line-1], "\r")
}

// read reads a file. Without its line a finding is told all the same.
func (l *sourceLines) read(name string) []string {
	for _, fsys := range l.from {
		if text, err := fs.ReadFile(fsys, name); err == nil {
			return strings.Split(string(text), "\n")
		}
	}
	return nil
}

// refuse shows the mistakes of a file on standard error, for commands that
// need one without.
func (p *project) refuse(c *check, theme term.Theme) error {
	list := c.findings(p.lines())
	list = slices.DeleteFunc(list, func(f finding.Finding) bool { return f.Severity != finding.Error })
	if err := term.Findings(os.Stderr, list, theme); err != nil {
		return err
	}
	return toldError(exitUsage)
}
