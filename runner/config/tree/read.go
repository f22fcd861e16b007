package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/plan"
	"gopkg.in/yaml.v3"
)

// Limits against hostile input. Real configs stay two orders below them.
const (
	MaxBytes  = 16 << 20 // of one file; configs are small, but a compiled one can be a hundred times its source
	MaxDepth  = 100      // of lists and maps inside each other
	MaxValues = 500_000  // in one file, aliases counted as often as they are used
)

// Read reads one YAML document. The errors are all that were found; the node
// is nil when the text is no YAML at all or holds nothing.
func Read(file string, text []byte) (*Node, []*Error) {
	r := &reader{file: file, made: map[*yaml.Node]*made{}}
	if len(text) > MaxBytes {
		r.fail(plan.Pos{File: file}, fmt.Sprintf("the file has %d bytes", len(text)), fmt.Sprintf("the limit is %d", MaxBytes))
		return nil, r.errs
	}
	doc := r.parse(text)
	if doc == nil || len(r.errs) > 0 {
		return nil, r.errs
	}
	n := r.node(doc.Content[0], 0)
	return n, r.errs
}

// reader turns yaml.Nodes into Nodes.
type reader struct {
	file  string
	made  map[*yaml.Node]*made // what aliases point to
	count int
	errs  []*Error
	full  bool // a limit was passed: say it once and stop
}

// made is an anchored node: node is nil while it is being made.
type made struct {
	node  *Node
	count int
}

func (r *reader) fail(pos plan.Pos, message, hint string) {
	r.errs = append(r.errs, &Error{Pos: pos, Message: message, Hint: hint})
}

func (r *reader) failAt(y *yaml.Node, message, hint string) { r.fail(r.pos(y), message, hint) }

func (r *reader) pos(y *yaml.Node) plan.Pos {
	return plan.Pos{File: r.file, Line: y.Line, Column: y.Column}
}

// parse gives the document node, nil for an empty file.
func (r *reader) parse(text []byte) *yaml.Node {
	if n := separators(text); n > MaxValues {
		r.fail(plan.Pos{File: r.file}, fmt.Sprintf("the file has about %d values", n), fmt.Sprintf("the limit is %d", MaxValues))
		return nil
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		r.syntax(text, err)
		return nil
	}
	if err := d.Decode(&second); err == nil {
		r.failAt(&second, "a second YAML document begins here", "one file is one document: remove the --- line")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(text, err)
	}
	return &doc
}

// separators guesses from above how many values a text can hold, so that the
// YAML parser, which takes 200 bytes for each, is not asked in vain.
func separators(text []byte) int {
	n := 0
	for _, c := range text {
		switch c {
		case '\n', ',', '[', '{':
			n++
		}
	}
	return n + bytes.Count(text, []byte("- -"))
}

// node converts one value; nil stands for what was refused.
func (r *reader) node(y *yaml.Node, depth int) *Node {
	if r.full || !r.within(y, depth) {
		return nil
	}
	if y.Kind == yaml.AliasNode {
		return r.alias(y)
	}
	if y.Anchor == "" {
		return r.value(y, depth)
	}
	m := &made{}
	r.made[y] = m
	before := r.count
	m.node = r.value(y, depth)
	m.count = r.count - before
	return m.node
}

// within counts the node and holds the limits.
func (r *reader) within(y *yaml.Node, depth int) bool {
	r.count++
	switch {
	case depth > MaxDepth:
		r.failAt(y, fmt.Sprintf("lists and maps are nested more than %d deep", MaxDepth), "flatten them")
	case r.count > MaxValues:
		r.failAt(y, fmt.Sprintf("the file holds more than %d values, aliases counted as often as they are used", MaxValues), "use fewer aliases of aliases")
	default:
		return true
	}
	r.full = true
	return false
}

func (r *reader) alias(y *yaml.Node) *Node {
	m := r.made[y.Alias]
	if m == nil || m.node == nil {
		r.failAt(y, fmt.Sprintf("the alias *%s stands inside its own anchor", y.Value), "an anchor cannot contain itself")
		return nil
	}
	r.count += m.count
	return m.node
}

func (r *reader) value(y *yaml.Node, depth int) *Node {
	n := &Node{File: r.file, Line: int32(y.Line), Column: int32(y.Column)}
	switch y.Kind {
	case yaml.SequenceNode:
		n.Kind = List
		r.items(n, y, depth)
	case yaml.MappingNode:
		n.Kind = Map
		r.pairs(n, y, depth)
	default:
		r.scalar(n, y)
	}
	return n
}

func (r *reader) items(n *Node, y *yaml.Node, depth int) {
	n.Items = make([]*Node, 0, len(y.Content))
	for _, c := range y.Content {
		if item := r.node(c, depth+1); item != nil {
			n.Items = append(n.Items, item)
			n.Templated = n.Templated || item.Templated
		}
	}
}

func (r *reader) scalar(n *Node, y *yaml.Node) {
	n.Text = y.Value
	n.Quoted = y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	switch {
	case y.Style&yaml.TaggedStyle != 0 && y.Tag == "!!null":
		n.Kind = Null
	case n.Quoted, y.Style&yaml.TaggedStyle != 0 && y.Tag == "!!str":
		n.Kind = String
	default:
		n.Kind = kindOf(y.Value)
	}
	n.Templated = n.Kind == String && strings.Contains(n.Text, "<<")
}
