// Package tree holds YAML documents as plain trees of values, each of which
// knows where it was written. Anchors and merge keys are resolved while
// reading, scalars are typed by the rules of YAML 1.1, and duplicate keys,
// cycles and alias bombs are refused, so that the packages above see data only.
//
// Nodes are never changed after they are made: aliases and expansions share them.
package tree

import (
	"strings"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A Kind is what sort of value a Node is.
type Kind uint8

// The kinds of value.
const (
	Null Kind = iota
	Bool
	Int
	Float
	String
	List
	Map
)

// String names the kind the way error messages do.
func (k Kind) String() string {
	return [...]string{"nothing", "a boolean", "a whole number", "a decimal number", "a string", "a list", "a map"}[k]
}

// A Node is one value.
type Node struct {
	Kind      Kind
	Templated bool // some string at or below this node holds "<<"
	Quoted    bool // the string was written with quotes or as a block
	Done      bool // a step that is fully expanded: its name is not looked up again
	Line      int32
	Column    int32
	File      string
	Text      string // a scalar, as written inside its quotes
	Items     []*Node
	Pairs     []Pair
}

// A Pair is one entry of a map.
type Pair struct{ Key, Value *Node }

// Pos is where the node was written.
func (n *Node) Pos() plan.Pos {
	return plan.Pos{File: n.File, Line: int(n.Line), Column: int(n.Column)}
}

// Get returns the value under a key of a map, or nil. A nil node has no keys.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for _, p := range n.Pairs {
		if p.Key.Text == key {
			return p.Value
		}
	}
	return nil
}

// KeyNode returns the key itself as it stands in a map, or nil.
func (n *Node) KeyNode(key string) *Node {
	for _, p := range n.Pairs {
		if p.Key.Text == key {
			return p.Key
		}
	}
	return nil
}

// Is tells whether the node exists and is of the kind.
func (n *Node) Is(k Kind) bool { return n != nil && n.Kind == k }

// Scalar tells whether the node is neither list nor map.
func (n *Node) Scalar() bool { return n != nil && n.Kind < List }

// True tells whether a node spells true as YAML 1.1 does, as a boolean or as a
// string.
func (n *Node) True() bool {
	if !n.Is(Bool) && !n.Is(String) {
		return false
	}
	switch strings.ToLower(n.Text) {
	case "true", "yes", "on":
		return true
	}
	return false
}

// String is the scalar as text: null is empty, booleans are true or false.
func (n *Node) String() string {
	switch {
	case n == nil || n.Kind == Null:
		return ""
	case n.Kind != Bool:
		return n.Text
	case n.True():
		return "true"
	}
	return "false"
}

// At makes a node at the place of n. It is the way to make what an expansion
// adds: such a node holds no templates.
func (n *Node) At(k Kind, text string) *Node {
	return &Node{Kind: k, Text: text, Line: n.Line, Column: n.Column, File: n.File}
}

// Text makes a string node at the place of n.
func (n *Node) Str(text string) *Node { return n.At(String, text) }

// ListOf makes a list node at the place of n.
func (n *Node) ListOf(items []*Node) *Node {
	l := n.At(List, "")
	l.Items = items
	return l
}

// MapOf makes a map node at the place of n.
func (n *Node) MapOf(pairs ...Pair) *Node {
	m := n.At(Map, "")
	m.Pairs = pairs
	return m
}

// With returns a map like n in which key has the value v: replaced where it
// stands, or added at the end.
func (n *Node) With(key string, v *Node) *Node {
	m := *n
	m.Pairs = make([]Pair, 0, len(n.Pairs)+1)
	found := false
	for _, p := range n.Pairs {
		if p.Key.Text == key {
			p.Value, found = v, true
		}
		m.Pairs = append(m.Pairs, p)
	}
	if !found {
		m.Pairs = append(m.Pairs, Pair{v.Str(key), v})
	}
	return &m
}

// Without returns a map like n that lacks the keys.
func (n *Node) Without(keys ...string) *Node {
	m := *n
	m.Pairs = make([]Pair, 0, len(n.Pairs))
pairs:
	for _, p := range n.Pairs {
		for _, k := range keys {
			if p.Key.Text == k {
				continue pairs
			}
		}
		m.Pairs = append(m.Pairs, p)
	}
	return &m
}

// Equal tells whether two nodes hold the same value, wherever they stand.
// The order of keys does not matter.
func (n *Node) Equal(o *Node) bool {
	if n == o {
		return true
	}
	if n.Kind != o.Kind || len(n.Items) != len(o.Items) || len(n.Pairs) != len(o.Pairs) {
		return false
	}
	if n.Kind < List {
		return n.String() == o.String()
	}
	for i, item := range n.Items {
		if !item.Equal(o.Items[i]) {
			return false
		}
	}
	for _, p := range n.Pairs {
		if v := o.Get(p.Key.Text); v == nil || !p.Value.Equal(v) {
			return false
		}
	}
	return true
}
