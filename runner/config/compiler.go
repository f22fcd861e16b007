package config

import (
	"fmt"

	"github.com/popsicle-ci/popsicle/runner/config/schema"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A compiler expands one file.
type compiler struct {
	mistakes
	regexps
	o         Options
	lang      *schema.Language
	root      *tree.Node
	text      []byte   // of the file, to find places inside of strings
	lines     []string // the same, once it was needed
	templated bool     // << >> has a meaning: since version 2.1
	scope     *scope
	params    map[string]*tree.Node // the pipeline parameters' values
	values    map[string]*tree.Node // the pipeline values that were asked for
	parsed    map[string]parsed     // templates by their text
	origins   map[*tree.Node]*scope // where an executor that was passed is looked up
	orbs      map[string]*scope     // by their references; nil for one that could not be had
	loading   []string              // orbs that are being loaded, to find circles
	within    []*tree.Node          // commands that are being expanded, to find circles
	jobs      int                   // of all workflows so far
	steps     int                   // expanded so far
	filled    int                   // bytes of the texts filled in so far
	warnings  []*Error
	warned    map[plan.Pos]bool
	doubting  bool     // what is found now is a doubt
	doubts    []*Error // what is a mistake only if it is expanded
}

// add takes a mistake, or a doubt while doubting.
func (c *compiler) add(e *Error) {
	if c.doubting {
		c.doubts = append(c.doubts, e)
		return
	}
	c.mistakes.add(e)
}

// at reports a mistake at a node.
func (c *compiler) at(n *tree.Node, message, hint string) {
	c.add(&Error{Pos: n.Pos(), Message: message, Hint: hint})
}

// Expand makes the file that has no orbs, commands, parameters and templates
// any more. Expanding an expanded file changes nothing. The error is a
// *multierror.Error of *Error; the file that comes with it is what could be
// expanded, so that Plan can look for more mistakes.
func (f *File) Expand(o Options) (*File, error) {
	if f.expanded {
		return f, nil
	}
	c := f.compiler(o)
	c.checkShape()
	if err := c.err(); err != nil {
		return f, err // sections that are no maps leave nothing to look at
	}
	c.pipelineParameters()
	c.scope = c.newScope("", c.root)
	c.checkDefinitions(c.scope)
	flows := c.workflows()
	c.suffix(flows)
	for _, w := range flows {
		c.resolve(w)
	}
	c.settle()
	return c.emit(flows), c.err()
}

func (f *File) compiler(o Options) *compiler {
	return &compiler{
		o: o, lang: schema.Get(), root: f.root, text: f.text, templated: f.templated(),
		params: map[string]*tree.Node{}, values: map[string]*tree.Node{},
		parsed: map[string]parsed{}, origins: map[*tree.Node]*scope{}, orbs: map[string]*scope{},
	}
}

// checkShape sees to it that every section is what it must be before
// anything looks into it. Other keys are allowed, but for one that looks like a
// misspelt section there is a warning.
func (c *compiler) checkShape() {
	check := schema.Checker{Report: c.add}
	known := c.lang.Config.Names()
	for _, p := range c.root.Pairs {
		k := c.lang.Config.Key(p.Key.Text)
		near := schema.Nearest(p.Key.Text, known)
		switch {
		case k == nil && near != "" && p.Key.Text[0] != '_':
			c.warn(p.Key, "unknown-key", fmt.Sprintf("the key %q has no meaning at the top", p.Key.Text), fmt.Sprintf("did you mean %q?", near))
		case k != nil && p.Value.Kind != tree.Null && p.Value.Kind != tree.Map && sections[k.Name]:
			check.Check(p.Value, k.Type, k.Name)
		}
	}
}

// sections are the top-level keys that hold definitions.
var sections = map[string]bool{
	"orbs": true, "commands": true, "executors": true, "jobs": true, "job-groups": true, "parameters": true, "workflows": true,
}

// warn tells of something that compiles but is likely a mistake, once a place.
func (c *compiler) warn(n *tree.Node, code, message, hint string) {
	if c.warned == nil {
		c.warned = map[plan.Pos]bool{}
	}
	if pos := n.Pos(); !c.warned[pos] {
		c.warned[pos] = true
		c.warnings = append(c.warnings, &Error{Pos: pos, Message: message, Hint: hint, Code: code})
	}
}

// A frame is what << >> may name inside one element, and where the names of
// commands and executors in it are looked up. It is lexical: an element sees
// its own parameters alone.
type frame struct {
	scope  *scope
	params map[string]*tree.Node
	matrix map[string]*tree.Node
}

// flow is a workflow in the making.
type flow struct {
	key     *tree.Node
	node    *tree.Node
	skipped *plan.Skipped // why it does not run; nil: it does
	members []*member
	groups  []*group
}
