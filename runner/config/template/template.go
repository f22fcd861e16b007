// Package template reads the << >> of config values: tags that hold an
// expression, sections <<# name >> … <</ name >> that are kept if a value is
// truthy, their inverse <<^ name >>, and the escapes \<< and \\<<.
package template

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/popsicle-ci/popsicle/runner/config/expr"
)

// A Template is a parsed text.
type Template struct{ parts []part }

// A part is plain text, a tag, or a section.
type part struct {
	text    string     // plain text
	source  string     // what stands between << and >>
	expr    *expr.Expr // of a tag
	name    string     // of a section, or of a tag that is a name but no expression
	section bool
	invert  bool
	body    []part
	at      int // where its << stands in the text, in bytes
}

// An Error is what is wrong with a template, and where in its text, in bytes.
type Error struct {
	Message, Hint string
	At            int
}

func (e *Error) Error() string { return e.Message }

// Lookup gives the value of a name: a bool, int64, string, nil for a name that
// is known and has no value, or anything else, which counts as true and
// cannot stand inside a text. The error says why there is no such name.
type Lookup func(name string) (any, error)

// A Use is a name that a template looks at, and where its tag begins.
type Use struct {
	Name string
	At   int
}

// Uses lists the names that the template looks at, in the order of the text.
func (t *Template) Uses() []Use { return uses(t.parts, nil) }

func uses(parts []part, all []Use) []Use {
	for _, p := range parts {
		if p.name != "" {
			all = append(all, Use{p.name, p.at})
		}
		if p.expr != nil {
			for _, name := range p.expr.Names() {
				all = append(all, Use{name, p.at})
			}
		}
		all = uses(p.body, all)
	}
	return all
}

// Only gives what stands between << and >> if the template is one tag and
// nothing else, or "".
func (t *Template) Only() string {
	if len(t.parts) == 1 && !t.parts[0].section {
		return t.parts[0].source
	}
	return ""
}

// OnlyName gives the name if the template is one tag that holds a name and
// nothing else, or "".
func (t *Template) OnlyName() string {
	switch {
	case t.Only() == "":
		return ""
	case t.parts[0].expr == nil:
		return t.parts[0].name
	}
	return t.parts[0].expr.Name()
}

// Eval fills the template in. A template that is one tag gives the value
// itself, any other a string. The error is an *Error.
func (t *Template) Eval(f Lookup) (any, error) {
	if t.Only() != "" {
		v, err := t.parts[0].eval(f)
		return v, t.parts[0].locate(err)
	}
	var b strings.Builder
	err := render(&b, t.parts, f)
	return b.String(), err
}

// eval gives the value of a tag.
func (p part) eval(f Lookup) (any, error) {
	if p.expr == nil {
		return f(p.name)
	}
	var unknown error
	v, err := p.expr.Eval(func(name string) (any, bool) {
		v, err := f(name)
		if err != nil && unknown == nil {
			unknown = err
		}
		return v, err == nil
	})
	if unknown != nil {
		return nil, unknown
	}
	return v, err
}

func render(b *strings.Builder, parts []part, f Lookup) error {
	for _, p := range parts {
		if err := p.render(b, f); err != nil {
			return p.locate(err)
		}
	}
	return nil
}

// locate makes an error of a part one that knows its place.
func (p part) locate(err error) error {
	if err == nil {
		return nil
	}
	var known *Error
	if !errors.As(err, &known) {
		return &Error{Message: fmt.Sprintf("<< %s >>: %v", p.source, err), At: p.at}
	}
	e := *known
	e.At = max(e.At, p.at) // a part of a section knows better than the section
	return &e
}

func (p part) render(b *strings.Builder, f Lookup) error {
	switch {
	case p.section:
		v, err := f(p.name)
		if err != nil || Truth(v) == p.invert {
			return err
		}
		return render(b, p.body, f)
	case p.source == "":
		b.WriteString(p.text)
		return nil
	}
	v, err := p.eval(f)
	if err != nil {
		return err
	}
	text, ok := Text(v)
	if !ok {
		return &Error{
			Message: fmt.Sprintf("<< %s >> is a list or a map inside a text", p.source),
			Hint:    "it can only stand alone, as the whole value",
		}
	}
	b.WriteString(text)
	return nil
}

// Text is a value as it stands inside a text: nothing for null. It is false
// for what is no scalar.
func Text(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case bool, int64:
		return fmt.Sprint(v), true
	case string:
		return v, true
	case *expr.Pattern:
		return v.Text, true
	}
	return "", false
}

// Truth is the truthiness of sections and logic statements: false, null, 0,
// and "" are untrue.
func Truth(v any) bool { return v != nil && v != false && v != "" && v != int64(0) }

// parseTag reads what stands between << and >>. What is no expression but
// looks like a name is taken as one: parameters may have names with colons.
func parseTag(source string, at int) (part, error) {
	text := strings.TrimSpace(source)
	if n := utf8.RuneCountInString(source); n > expr.MaxLength {
		return part{}, &Error{fmt.Sprintf("the expression between << and >> has %d characters", n), fmt.Sprintf("it may have %d", expr.MaxLength), at}
	}
	e, err := expr.Parse(source)
	if err == nil {
		return part{source: text, expr: e, at: at}, nil
	}
	var wrong *expr.Error
	if errors.As(err, &wrong) && wrong.Type == "Scanner/UNEXPECTED_CHARACTER" && isName(text) {
		return part{source: text, name: text, at: at}, nil
	}
	return part{}, &Error{
		Message: fmt.Sprintf("<<%s>>: %s", source, err),
		Hint:    `write << parameters.name >> or an expression; a plain << must be written \<<`, At: at,
	}
}

// isName tells whether s is letters, digits, _ and -, and after a dot anything without spaces.
func isName(s string) bool {
	word, rest, _ := strings.Cut(s, ".")
	return word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == "" &&
		!strings.ContainsAny(rest, " \t\r\n")
}
