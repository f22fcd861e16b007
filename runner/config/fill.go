package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/popsicle-ci/popsicle/runner/config/template"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// fill replaces the << >> of a value and of all in it. What holds none is
// returned as it is, so that a config pays only for the templates it has.
func (c *compiler) fill(n *tree.Node, f *frame) *tree.Node {
	if n == nil || !n.Templated || !c.templated {
		return n
	}
	out := *n
	out.Templated = false
	switch n.Kind {
	case tree.List:
		out.Items = make([]*tree.Node, len(n.Items))
		for i, item := range n.Items {
			out.Items[i] = c.fill(item, f)
		}
	case tree.Map:
		out.Pairs = make([]tree.Pair, len(n.Pairs))
		for i, p := range n.Pairs {
			out.Pairs[i] = tree.Pair{Key: p.Key, Value: c.fill(p.Value, f)}
		}
	default:
		return c.fillText(n, f)
	}
	return &out
}

// parsed is a template, or what is wrong with it.
type parsed struct {
	template *template.Template
	err      error
}

// template parses a text, each text once. Nil stands for one that is wrong,
// which is reported.
func (c *compiler) template(n *tree.Node) *template.Template {
	p, have := c.parsed[n.Text]
	if !have {
		p.template, p.err = template.Parse(n.Text)
		c.parsed[n.Text] = p
	}
	if p.err != nil {
		c.templateError(n, p.err)
	}
	return p.template
}

func (c *compiler) templateError(n *tree.Node, err error) {
	var t *template.Error
	if errors.As(err, &t) {
		c.add(&Error{Pos: c.inside(n, t.At), Message: t.Message, Hint: t.Hint})
		return
	}
	c.at(n, err.Error(), "")
}

// inside is the place of a part of a string, which is looked for in the file:
// the string's own place is that of its first letter, or of its | or quote.
func (c *compiler) inside(n *tree.Node, at int) plan.Pos {
	pos := n.Pos()
	if n.File != c.root.File || at < 0 || at >= len(n.Text) {
		return pos
	}
	fragment, _, _ := strings.Cut(n.Text[at:min(len(n.Text), at+40)], "\n")
	before := strings.Count(n.Text[:at], fragment)
	if c.lines == nil {
		c.lines = strings.Split(string(c.text), "\n")
	}
	for i := pos.Line - 1; i < min(len(c.lines), pos.Line+strings.Count(n.Text, "\n")+20); i++ {
		line, offset := c.lines[i], 0
		if i == pos.Line-1 {
			offset = min(pos.Column-1, len(line))
		}
		for {
			found := strings.Index(line[offset:], fragment)
			if found < 0 {
				break
			}
			if offset += found; before == 0 {
				return plan.Pos{File: pos.File, Line: i + 1, Column: utf8.RuneCountInString(line[:offset]) + 1}
			}
			before--
			offset += len(fragment)
		}
	}
	return pos
}

// fillText fills in a string: one that is a single tag becomes what the tag
// is worth, with its type; any other stays a string.
func (c *compiler) fillText(n *tree.Node, f *frame) *tree.Node {
	t := c.template(n)
	if t == nil {
		return unfilled(n)
	}
	if name := t.OnlyName(); name != "" {
		return c.fillName(n, name, f)
	}
	v, err := t.Eval(func(name string) (any, error) {
		v, err := c.lookup(name, f)
		return value(v), err
	})
	if err != nil {
		c.names(n, t, f)
		c.templateError(n, err)
		return unfilled(n)
	}
	filled := toNode(n, v)
	if c.filled += len(filled.Text); len(filled.Text) > maxText || c.filled > maxFilled {
		c.at(n, fmt.Sprintf("the text grows past %d bytes, or all texts past %d", maxText, maxFilled), "use fewer templates inside of each other")
		return unfilled(n)
	}
	return filled
}

// Limits of what << >> makes: parameters that are doubled at every call would
// grow without end.
const (
	maxText   = 4 << 20   // bytes of one text
	maxFilled = 256 << 20 // of all texts
)

// names reports every name of a template that does not exist.
func (c *compiler) names(n *tree.Node, t *template.Template, f *frame) {
	for _, use := range t.Uses() {
		_, err := c.lookup(use.Name, f)
		var e *template.Error
		if errors.As(err, &e) {
			e.At = use.At
			c.templateError(n, e)
		}
	}
}

// unfilled stands for a string that could not be filled in, which was reported.
// It stays Templated, by which checks know that what they miss is not its fault.
func unfilled(n *tree.Node) *tree.Node {
	u := n.Str("")
	u.Templated = true
	return u
}

// fillName is fillText for << name >>. Lists and maps are shared, not copied.
func (c *compiler) fillName(n *tree.Node, name string, f *frame) *tree.Node {
	v, err := c.lookup(name, f)
	switch {
	case err != nil:
		c.templateError(n, err)
		return unfilled(n)
	case v.Templated:
		return unfilled(n)
	case v.Kind == tree.Null:
		return n.Str("")
	case !v.Scalar() || c.origins[v] != nil:
		return v
	}
	return n.At(v.Kind, v.Text)
}

// value is a node as expressions see it: lists and maps stay nodes.
func value(n *tree.Node) any {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case tree.Null:
		return nil
	case tree.Bool:
		return n.True()
	case tree.Int:
		if i, err := strconv.ParseInt(strings.ReplaceAll(n.Text, "_", ""), 0, 64); err == nil {
			return i
		}
		return n.Text
	case tree.List, tree.Map:
		return n
	}
	return n.Text
}

// toNode is a value of an expression, at the place of n.
func toNode(n *tree.Node, v any) *tree.Node {
	switch v := v.(type) {
	case bool:
		return n.At(tree.Bool, strconv.FormatBool(v))
	case int64:
		return n.At(tree.Int, strconv.FormatInt(v, 10))
	case *tree.Node:
		return v
	}
	text, _ := template.Text(v)
	return n.Str(text)
}

// lookup finds the value of a name inside << >>. A name that is known and has
// no value is a null node.
func (c *compiler) lookup(name string, f *frame) (*tree.Node, error) {
	if rest, ok := strings.CutPrefix(name, "parameters."); ok {
		if v := f.params[rest]; v != nil {
			return v, nil
		}
		return nil, undeclared(name, keys(f.params))
	}
	if rest, ok := strings.CutPrefix(name, "matrix."); ok {
		if v := f.matrix[rest]; v != nil {
			return v, nil
		}
		return nil, &template.Error{Message: fmt.Sprintf("%s: there is no matrix parameter %q here", name, rest),
			Hint: didYouMean(rest, keys(f.matrix), "matrix.* has a meaning in the invocation that has the matrix alone")}
	}
	return c.pipelineValue(name, f)
}

// undeclared is the mistake of parameters.x in an element that has no such parameter.
func undeclared(name string, declared []string) *template.Error {
	return &template.Error{Message: fmt.Sprintf("%s: the element that uses it declares no such parameter", name),
		Hint: didYouMean(strings.TrimPrefix(name, "parameters."), declared, "declare it under the parameters of the element")}
}

// keys are the names in a map, in an order that is always the same.
func keys(m map[string]*tree.Node) []string { return slices.Sorted(maps.Keys(m)) }
