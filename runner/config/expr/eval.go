package expr

import (
	"regexp"
	"strings"
)

// A Pattern is a regular expression in RE2 syntax that must match a whole text.
type Pattern struct {
	Text string
	re   *regexp.Regexp
}

// NewPattern compiles a pattern.
func NewPattern(text string) (*Pattern, error) {
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	re.Longest() // of a|ab in "ab", the leftmost match is a
	return &Pattern{Text: text, re: re}, nil
}

// MarshalText is the pattern as it is written, without slashes.
func (p *Pattern) MarshalText() ([]byte, error) { return []byte(p.Text), nil }

// Match tells whether the pattern matches the whole of s. Anchors around its
// text would not do: an open \Q takes them in.
func (p *Pattern) Match(s string) bool {
	at := p.re.FindStringIndex(s)
	return at != nil && at[0] == 0 && at[1] == len(s)
}

type lookup = func(name string) (any, bool)

// A node is a part of an expression.
type node interface{ eval(lookup) (any, error) }

type (
	literal  struct{ value any }
	variable struct{ token token }
	not      struct{ operand node }
	and      struct{ left, right node }
	or       struct{ left, right node }
	binary   struct {
		left  node
		op    token
		right node
	}
)

func (n literal) eval(lookup) (any, error) { return n.value, nil }

func (n variable) eval(f lookup) (any, error) {
	v, ok := f(n.token.text)
	if !ok {
		return nil, fault("UNKNOWN_VARIABLE", n.token)
	}
	return v, nil
}

func (n not) eval(f lookup) (any, error) {
	v, err := n.operand.eval(f)
	return !Truth(v), err
}

// and and or give one of their operands, and look at the right one only if
// the left one does not decide.
func (n and) eval(f lookup) (any, error) {
	if v, err := n.left.eval(f); err != nil || !Truth(v) {
		return v, err
	}
	return n.right.eval(f)
}

func (n or) eval(f lookup) (any, error) {
	if v, err := n.left.eval(f); err != nil || Truth(v) {
		return v, err
	}
	return n.right.eval(f)
}

// eval compares; whatever is compared with undefined is undefined.
func (n binary) eval(f lookup) (any, error) {
	left, err := n.left.eval(f)
	if err != nil {
		return nil, err
	}
	right, err := n.right.eval(f)
	if err != nil || left == nil || right == nil {
		return nil, err
	}
	switch n.op.kind {
	case "EQUAL":
		return same(left, right), nil
	case "NOT_EQUAL":
		return !same(left, right), nil
	case "BUILTIN":
		return n.text(left, right)
	}
	return n.order(left, right)
}

// same tells whether two values are equal; values of different types are not.
func same(a, b any) bool {
	p, isPattern := a.(*Pattern)
	q, both := b.(*Pattern)
	if isPattern && both {
		return p.Text == q.Text
	}
	return a == b
}

// order compares numbers.
func (n binary) order(left, right any) (any, error) {
	l, ok := left.(int64)
	r, both := right.(int64)
	if !ok || !both {
		return nil, fault("EXPECTED_NUMERIC_OPERAND", n.op)
	}
	switch n.op.kind {
	case "GREATER":
		return l > r, nil
	case "GREATER_EQUAL":
		return l >= r, nil
	case "LESS":
		return l < r, nil
	}
	return l <= r, nil
}

// text compares strings.
func (n binary) text(left, right any) (any, error) {
	l, isString := left.(string)
	if n.op.text == "matches" {
		p, isPattern := right.(*Pattern)
		switch {
		case !isPattern:
			return nil, fault("EXPECTED_PATTERN_OPERAND", n.op)
		case !isString:
			return nil, fault("EXPECTED_STRING_OPERAND", n.op)
		}
		return p.Match(l), nil
	}
	r, both := right.(string)
	if !isString || !both {
		return nil, fault("EXPECTED_STRING_OPERAND", n.op)
	}
	if n.op.text == "contains" {
		return strings.Contains(l, r), nil
	}
	return strings.HasPrefix(l, r), nil
}

func fault(kind string, t token) error {
	return &Error{Type: "Interpreter/" + kind, Token: t.kind, Lexeme: t.text, Pos: t.pos}
}
