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
}

// scan cuts a text into tokens, the last of which is end. \<< is the text <<,
// and \\<< is the text \ before a tag.
func scan(s string) []token {
	var tokens []token
	for s != "" {
		i := mark(s)
		if i > 0 {
			tokens = append(tokens, token{textToken, s[:i]})
			s = s[i:]
			continue
		}
		t, used := next(s)
		if strings.HasPrefix(s, `\\<<`) {
			tokens = append(tokens, token{textToken, `\`})
			t, used = next(s[2:])
			used += 2
		}
		tokens = append(tokens, t)
		s = s[used:]
	}
	return append(tokens, token{kind: end})
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
		return token{textToken, "<<"}, 3
	case strings.HasPrefix(s, ">>"):
		return token{tagClose, ">>"}, 2
	case strings.HasPrefix(s, "<<#"):
		return token{sectionOpen, "<<#"}, 3
	case strings.HasPrefix(s, "<<^"):
		return token{invertedOpen, "<<^"}, 3
	case strings.HasPrefix(s, "<</"):
		return token{sectionClose, "<</"}, 3
	}
	return token{tagOpen, "<<"}, 2
}

// Parse reads a text. The error is an *Error.
func Parse(text string) (*Template, error) {
	p := &parser{tokens: scan(text)}
	parts, err := p.until("")
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
// name, to the end of the text. It does not take the end tag.
func (p *parser) until(section string) ([]part, error) {
	var parts []part
	for {
		t := p.peek(0)
		switch {
		case t.kind == end:
			if section != "" {
				return nil, &Error{fmt.Sprintf("the section <<# %s >> is not closed", section), fmt.Sprintf("close it with <</ %s >>", section)}
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
		return p.tag()
	case sectionOpen, invertedOpen:
		return p.section(t.kind == invertedOpen)
	case sectionClose:
		return part{}, &Error{"<</ closes a section that is not open", "open it with <<# name >>"}
	}
	return part{text: t.text}, nil
}

func (p *parser) tag() (part, error) {
	body := p.peek(0)
	if body.kind != textToken {
		return part{}, &Error{"an expression is missing after <<", `write << parameters.name >>, or \<< for a plain <<`}
	}
	source := ""
	for ; p.peek(0).kind == textToken; p.at++ {
		source += p.peek(0).text
	}
	if p.peek(0).kind != tagClose {
		return part{}, &Error{"<< is not closed by >>", `write \<< for a plain << (as in a here document)`}
	}
	p.at++
	return parseTag(source)
}

// name reads `name >>` of a section's tags.
func (p *parser) name() (string, error) {
	name := strings.TrimSpace(p.peek(0).text)
	if p.peek(0).kind != textToken || !isName(name) {
		return "", &Error{"a section has no valid name", "write <<# parameters.name >>"}
	}
	if p.peek(1).kind != tagClose {
		return "", &Error{fmt.Sprintf("the tag of the section %s is not closed by >>", name), "write <<# parameters.name >>"}
	}
	p.at += 2
	return name, nil
}

func (p *parser) section(invert bool) (part, error) {
	if p.depth++; p.depth > maxDepth {
		return part{}, &Error{fmt.Sprintf("sections are nested more than %d deep", maxDepth), "flatten them"}
	}
	defer func() { p.depth-- }()
	name, err := p.name()
	if err != nil {
		return part{}, err
	}
	body, err := p.until(name)
	if err != nil {
		return part{}, err
	}
	p.at++ // <</
	if _, err := p.name(); err != nil {
		return part{}, err
	}
	return part{section: true, invert: invert, name: name, body: body}, nil
}
