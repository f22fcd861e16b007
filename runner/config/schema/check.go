package schema

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// A Checker compares values with types.
type Checker struct {
	Templates  bool                     // a string with << >> may become anything
	Report     func(*tree.Error)        // is told every mistake
	Unknown    func(*tree.Error)        // is told keys that are unknown and ignored; may be nil
	Lax        bool                     // unknown keys are ignored everywhere
	Ignored    func(*tree.Node, *Key)   // is told every key that popsicle does not carry out, or only in part; may be nil
	Deprecated func(*tree.Node, *Key)   // is told every key that should be written otherwise; may be nil
	Skip       func(*Type, string) bool // tells keys that are checked elsewhere; may be nil
}

// Check reports whatever in n is not of type t. The path is what messages call n.
func (c *Checker) Check(n *tree.Node, t *Type, path string) {
	switch {
	case c.Templates && n.Kind == tree.String && n.Templated:
	case n.Kind == tree.List && t.Items != nil:
		c.list(n, t, path)
	case n.Kind == tree.Map && t.IsMap():
		c.keys(n, t, path)
	case n.Scalar() && t.Scalars != 0:
		c.scalar(n, t, path)
	default:
		c.wrong(n, t, path)
	}
}

func (c *Checker) report(n *tree.Node, message, hint string) {
	c.Report(&tree.Error{Pos: n.Pos(), Message: message, Hint: hint})
}

func (c *Checker) wrong(n *tree.Node, t *Type, path string) {
	c.report(n, fmt.Sprintf("%s is %s", path, describe(n)), "it must be "+t.Name)
}

// describe says what was found, short enough for one line.
func describe(n *tree.Node) string {
	if !n.Scalar() || n.Kind == tree.Null {
		return n.Kind.String()
	}
	text := n.Text
	if len(text) > 40 {
		text = text[:40] + "…"
	}
	return fmt.Sprintf("%s (%s)", n.Kind, strconv.Quote(text))
}

func (c *Checker) list(n *tree.Node, t *Type, path string) {
	if t.NonZero && len(n.Items) == 0 {
		c.report(n, path+" is empty", "it must be "+t.Name+" with at least one entry")
	}
	for i, item := range n.Items {
		c.Check(item, t.Items, path+"["+strconv.Itoa(i)+"]")
	}
}

var kindBit = [...]Kinds{tree.Null: Null, tree.Bool: Bool, tree.Int: Int, tree.Float: Float, tree.String: Text}

func (c *Checker) scalar(n *tree.Node, t *Type, path string) {
	if kindBit[n.Kind]&t.Scalars == 0 {
		c.wrong(n, t, path)
		return
	}
	if n.Kind == tree.Int && t.Min > 0 && t.Check == nil {
		if v, err := strconv.Atoi(strings.ReplaceAll(n.Text, "_", "")); err != nil || v < t.Min {
			c.report(n, fmt.Sprintf("%s is %s", path, n.Text), fmt.Sprintf("it must be at least %d", t.Min))
		}
	}
	if n.Kind == tree.Null {
		return
	}
	if t.Enum != nil && !contains(t.Enum, n.Text) {
		c.report(n, fmt.Sprintf("%s is %q", path, n.Text), oneOf(t.Enum, n.Text))
	}
	if t.Check != nil {
		if right := t.Check(n.Text); right != "" {
			c.report(n, fmt.Sprintf("%s is %q", path, n.Text), right)
		}
	}
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

// oneOf lists what is allowed, the likeliest first.
func oneOf(allowed []string, found string) string {
	if near := Nearest(found, allowed); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "it must be one of " + strings.Join(allowed, ", ")
}

func (c *Checker) keys(n *tree.Node, t *Type, path string) {
	if t.OneKey && len(n.Pairs) != 1 {
		c.report(n, fmt.Sprintf("%s has %d keys", path, len(n.Pairs)), "it must have exactly one; indent what belongs to it")
		return
	}
	for i, p := range n.Pairs {
		if i == 0 || !t.First {
			c.pair(p, t, path)
		}
	}
	for _, k := range t.Keys {
		if k.Required && n.Get(k.Name) == nil {
			c.report(n, fmt.Sprintf("%s lacks the key %s", path, k.Name), lacking(n, t, k))
		}
	}
}

// lacking says how to give a map a key: by spelling the one it has in its place
// right, or by adding it.
func lacking(n *tree.Node, t *Type, k Key) string {
	var strange []string
	for _, p := range n.Pairs {
		if t.Key(p.Key.Text) == nil {
			strange = append(strange, p.Key.Text)
		}
	}
	if near := Nearest(k.Name, strange); near != "" {
		return fmt.Sprintf("did you write %q for it?", near)
	}
	return "add " + k.Name + ": " + strings.ToLower(k.Doc[:1]) + strings.TrimSuffix(k.Doc[1:], ".")
}

func (c *Checker) pair(p tree.Pair, t *Type, path string) {
	k := t.Key(p.Key.Text)
	if k != nil && k.Deprecated != "" && c.Deprecated != nil {
		c.Deprecated(p.Key, k)
	}
	switch {
	case c.Skip != nil && c.Skip(t, p.Key.Text):
	case k != nil:
		if k.Ignored == "" { // else its value has no effect, whatever it is
			c.Check(p.Value, k.Type, path+"."+k.Name)
		}
		if c.Ignored != nil && (k.Ignored != "" || k.Limits != "" && p.Value.String() != "false") {
			c.Ignored(p.Key, k)
		}
	case t.Open != nil:
		c.Check(p.Value, t.Open, path+"."+p.Key.Text)
	case c.Unknown != nil && (t.Lax || c.Lax):
		c.Unknown(UnknownKey(p.Key, path, t.Names()))
	case !t.Lax:
		c.Report(UnknownKey(p.Key, path, t.Names()))
	}
}

// UnknownKey is the mistake of a key that is not among the allowed.
func UnknownKey(key *tree.Node, path string, allowed []string) *tree.Error {
	e := &tree.Error{Pos: key.Pos(), Message: fmt.Sprintf("%s has no key %q", path, key.Text)}
	switch near := Nearest(key.Text, allowed); {
	case near != "":
		e.Hint = fmt.Sprintf("did you mean %q?", near)
	case len(allowed) > 0:
		e.Hint = "it knows " + strings.Join(allowed, ", ")
	}
	return e
}
