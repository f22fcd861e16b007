package template

import (
	"fmt"
	"strings"
)

// kind is what sort of token the scanner found.
type kind uint8

const (
	textToken    kind = iota
	tagOpen           // <<
	sectionOpen       // <<#
	invertedOpen      // <<^
	sectionClose      // <</
	tagClose          // >>
	end
)

type token struct {
	kind kind
	text string
	at   int // where it begins in the whole text, in bytes
}

// scan cuts a text into tokens, the last of which is end. \<< is the text <<,
// and \\<< is the text \ before a tag.
func scan(text string) []token {
	var tokens []token
	for at := 0; at < len(text); {
		s := text[at:]
		t, used := token{textToken, s[:mark(s)], at}, mark(s)
		switch {
		case used > 0:
		case strings.HasPrefix(s, `\\<<`):
			t, used = token{textToken, `\`, at}, 2
			tokens = append(tokens, t)
			at += used
			t, used = next(text[at:])
		default:
			t, used = next(s)
		}
		t.at = at
		tokens = append(tokens, t)
		at += used
	}
	return append(tokens, token{kind: end, at: len(text)})
}

// mark is where the next <<, >>, \<< or \\<< begins: the length of s if none does.
func mark(s string) int {
	for i := 0; i+1 < len(s); i++ {
		switch rest := s[i:]; {
		case s[i] == '<' && s[i+1] == '<', s[i] == '>' && s[i+1] == '>':
			return i
		case s[i] == '\\' && (strings.HasPrefix(rest, `\<<`) || strings.HasPrefix(rest, `\\<<`)):
			return i
		}
	}
	return len(s)
}

// next is the token at a mark, and its length.
func next(s string) (token, int) {
	switch {
	case strings.HasPrefix(s, `\<<`):
		return token{kind: textToken, text: "<<"}, 3
	case strings.HasPrefix(s, ">>"):
		return token{kind: tagClose, text: ">>"}, 2
	case strings.HasPrefix(s, "<<#"):
		return token{kind: sectionOpen, text: "<<#"}, 3
	case strings.HasPrefix(s, "<<^"):
		return token{kind: invertedOpen, text: "<<^"}, 3
	case strings.HasPrefix(s, "<</"):
		return token{kind: sectionClose, text: "<</"}, 3
	}
	return token{kind: tagOpen, text: "<<"}, 2
}

// Parse reads a text. The error is an *Error.
func Parse(text string) (*Template, error) {
	p := &parser{tokens: scan(text)}
	parts, err := p.until("", 0)
	if err != nil {
		return nil, err
	}
	return &Template{parts: parts}, nil
}

type parser struct {
	tokens []token
	at     int
	depth  int
}

// maxDepth bounds sections inside each other.
const maxDepth = 100

func (p *parser) peek(i int) token {
	if p.at+i >= len(p.tokens) {
		return token{kind: end}
	}
	return p.tokens[p.at+i]
}

// until reads parts up to the end tag of the section of that name, or, for no
// name, to the end of the text. It does not take the end tag. The section
// begins at open.
func (p *parser) until(section string, open int) ([]part, error) {
	var parts []part
	for {
		t := p.peek(0)
		switch {
		case t.kind == end:
			if section != "" {
				return nil, &Error{fmt.Sprintf("the section <<# %s >> is not closed", section), fmt.Sprintf("close it with <</ %s >>", section), open}
			}
			return parts, nil
		case t.kind == sectionClose && section != "" && strings.TrimSpace(p.peek(1).text) == section:
			return parts, nil
		}
		one, err := p.part()
		if err != nil {
			return nil, err
		}
		parts = appendText(parts, one)
	}
}

// appendText joins plain texts that follow each other, so that one tag stays alone.
func appendText(parts []part, p part) []part {
	if last := len(parts) - 1; last >= 0 && p.source == "" && !p.section && parts[last].source == "" && !parts[last].section {
		parts[last].text += p.text
		return parts
	}
	return append(parts, p)
}

func (p *parser) part() (part, error) {
	t := p.peek(0)
	p.at++
	switch t.kind {
	case tagOpen:
		return p.tag(t.at)
	case sectionOpen, invertedOpen:
		return p.section(t)
	case sectionClose:
		return part{}, &Error{"<</ closes a section that is not open", "open it with <<# name >>", t.at}
	}
	return part{text: t.text}, nil
}

func (p *parser) tag(at int) (part, error) {
	body := p.peek(0)
	if body.kind != textToken {
		return part{}, &Error{"an expression is missing after <<", `write << parameters.name >>, or \<< for a plain <<`, at}
	}
	source := ""
	for ; p.peek(0).kind == textToken; p.at++ {
		source += p.peek(0).text
	}
	if p.peek(0).kind != tagClose {
		return part{}, &Error{"<< is not closed by >>", `write \<< for a plain << (as in a here document)`, at}
	}
	p.at++
	return parseTag(source, at)
}

// name reads `name >>` of a section's tag that begins at a place.
func (p *parser) name(at int) (string, error) {
	name := strings.TrimSpace(p.peek(0).text)
	if p.peek(0).kind != textToken || !isName(name) {
		return "", &Error{"a section has no valid name", "write <<# parameters.name >>", at}
	}
	if p.peek(1).kind != tagClose {
		return "", &Error{fmt.Sprintf("the tag of the section %s is not closed by >>", name), "write <<# parameters.name >>", at}
	}
	p.at += 2
	return name, nil
}

func (p *parser) section(open token) (part, error) {
	if p.depth++; p.depth > maxDepth {
		return part{}, &Error{fmt.Sprintf("sections are nested more than %d deep", maxDepth), "flatten them", open.at}
	}
	defer func() { p.depth-- }()
	name, err := p.name(open.at)
	if err != nil {
		return part{}, err
	}
	body, err := p.until(name, open.at)
	if err != nil {
		return part{}, err
	}
	closing := p.peek(0)
	p.at++
	if _, err := p.name(closing.at); err != nil {
		return part{}, err
	}
	return part{section: true, invert: open.kind == invertedOpen, name: name, body: body, at: open.at}, nil
}
