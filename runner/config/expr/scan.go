package expr

import (
	"slices"
	"strconv"
	"strings"
)

// A token is one word of an expression.
type token struct {
	kind  string // the reference implementation's name: "AND", "IDENTIFIER"
	text  string // as written
	value any    // of a number, string or pattern
	pos   int    // in characters
}

var operators = map[string]string{
	"(": "LEFT_PAREN", ")": "RIGHT_PAREN", "!": "NOT", "!=": "NOT_EQUAL", "==": "EQUAL",
	">": "GREATER", ">=": "GREATER_EQUAL", "<": "LESS", "<=": "LESS_EQUAL",
}

var keywords = map[string]string{
	"and": "AND", "AND": "AND", "or": "OR", "OR": "OR", "not": "NOT", "NOT": "NOT",
	"true": "TRUE", "TRUE": "TRUE", "false": "FALSE", "FALSE": "FALSE",
	"contains": "BUILTIN", "starts-with": "BUILTIN", "matches": "BUILTIN",
}

// scan cuts an expression into tokens, the last of which is EOF.
func scan(text string) ([]token, error) {
	s := &scanner{text: []rune(text)}
	for s.at < len(s.text) {
		if err := s.token(); err != nil {
			return nil, err
		}
	}
	return append(s.tokens, token{kind: "EOF", pos: s.at}), nil
}

type scanner struct {
	text   []rune
	at     int
	tokens []token
}

// peek is the character i places ahead; 0 after the end.
func (s *scanner) peek(i int) rune {
	if s.at+i >= len(s.text) {
		return 0
	}
	return s.text[s.at+i]
}

func (s *scanner) fail(kind string, pos int) error {
	lexeme := "\x00"
	if pos < len(s.text) {
		lexeme = string(s.text[pos])
	}
	return &Error{Type: "Scanner/" + kind, Lexeme: lexeme, Pos: pos}
}

// take makes a token of the characters from start to here.
func (s *scanner) take(start int, kind string, value any) {
	s.tokens = append(s.tokens, token{kind: kind, text: string(s.text[start:s.at]), value: value, pos: start})
}

func (s *scanner) token() error {
	start, c := s.at, s.peek(0)
	switch {
	case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		s.at++
	case c == '=' && s.peek(1) != '=':
		return s.fail("INCOMPLETE_EQUALS", s.at+1)
	case slices.Contains([]rune("()!=<>"), c):
		s.at++
		if c != '(' && c != ')' && s.peek(0) == '=' {
			s.at++
		}
		s.take(start, operators[string(s.text[start:s.at])], nil)
	case c == '"':
		return s.str()
	case c == '/':
		return s.pattern()
	case digit(c):
		return s.number()
	case letter(c):
		s.identifier()
	default:
		return s.fail("UNEXPECTED_CHARACTER", s.at)
	}
	return nil
}

// str reads "…", in which \" and \\ stand for " and \.
func (s *scanner) str() error {
	start := s.at
	var value strings.Builder
	for s.at++; s.at < len(s.text); s.at++ {
		c := s.peek(0)
		if c == '"' {
			s.at++
			s.take(start, "STRING", value.String())
			return nil
		}
		if next := s.peek(1); c == '\\' && (next == '"' || next == '\\') {
			s.at++
			c = next
		}
		value.WriteRune(c)
	}
	return s.fail("UNTERMINATED_STRING", start)
}

const maxPattern = 256

// pattern reads /…/, in which \/ stands for /.
func (s *scanner) pattern() error {
	start := s.at
	var text []rune
	for s.at++; ; s.at++ {
		c, next := s.peek(0), s.peek(1)
		switch {
		case s.at >= len(s.text):
			return s.fail("UNTERMINATED_PATTERN", start)
		case c == '/':
			return s.patternEnd(start, text)
		case c == '\\' && next == '/':
			s.at++
			c = '/'
		case c == '\\' && (next == 'u' || next == 'x'), c > 0xff:
			return s.fail("INVALID_PATTERN_CHARACTER", s.at)
		}
		text = append(text, c)
	}
}

func (s *scanner) patternEnd(start int, text []rune) error {
	s.at++
	if len(text) > maxPattern {
		return s.fail("PATTERN_TOO_LONG", start)
	}
	p, err := NewPattern(string(text))
	if err != nil {
		return s.fail("INVALID_PATTERN", start)
	}
	s.take(start, "PATTERN", p)
	return nil
}

func (s *scanner) number() error {
	start := s.at
	for digit(s.peek(0)) {
		s.at++
	}
	v, err := strconv.ParseInt(string(s.text[start:s.at]), 10, 64)
	if err != nil {
		return s.fail("INVALID_NUMERIC_LITERAL", start)
	}
	s.take(start, "NUMBER", v)
	return nil
}

// identifier reads a name, which may have single dots inside, or a keyword.
func (s *scanner) identifier() {
	start := s.at
	for tail(s.peek(0)) || s.peek(0) == '.' && tail(s.peek(1)) {
		s.at++
	}
	kind := keywords[string(s.text[start:s.at])]
	if kind == "" {
		kind = "IDENTIFIER"
	}
	s.take(start, kind, nil)
}

func digit(c rune) bool  { return c >= '0' && c <= '9' }
func letter(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func tail(c rune) bool   { return letter(c) || digit(c) || c == '-' || c == '_' || c == '?' }
