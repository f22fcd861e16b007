// Package expr is the expression language of CircleCI configs, as in
//
//	pipeline.git.branch == "main" and pipeline.parameters.deploy
//
// Values are booleans, whole numbers, strings, patterns and undefined, which is
// what a known variable without a value is. Only false and undefined are untrue:
// 0 and "" are true, other than in the logic statements of YAML.
package expr

import "fmt"

// An Expr is a parsed expression.
type Expr struct {
	root  node
	names []string
}

// MaxLength is how many characters an expression in a config may have.
const MaxLength = 2048

// An Error is what is wrong with an expression, and where. The names are those
// of the language's reference implementation.
type Error struct {
	Type   string `json:"errorType"`           // "Scanner/UNEXPECTED_CHARACTER", "Parser/…", "Interpreter/…"
	Token  string `json:"tokenType,omitempty"` // the type of the token, "GREATER"; empty for scanner errors
	Lexeme string `json:"lexeme"`              // the text at fault; empty at the end of the expression
	Pos    int    `json:"charPos"`             // where it begins, in characters from 0
}

var reasons = map[string]string{
	"Scanner/UNEXPECTED_CHARACTER":         "%s has no meaning in an expression",
	"Scanner/INCOMPLETE_EQUALS":            "= is followed by %s: equality is ==",
	"Scanner/INVALID_NUMERIC_LITERAL":      "the number that begins with %s is too large",
	"Scanner/UNTERMINATED_STRING":          "a string is not closed: %s",
	"Scanner/UNTERMINATED_PATTERN":         "a pattern is not closed: %s",
	"Scanner/INVALID_PATTERN_CHARACTER":    "%s is not allowed in a pattern, which is ASCII and Latin-1",
	"Scanner/INVALID_PATTERN":              "the pattern that begins with %s is no regular expression",
	"Scanner/PATTERN_TOO_LONG":             "the pattern that begins with %s has more than 256 characters",
	"Parser/EXPECTED_EXPRESSION":           "a value is expected instead of %s",
	"Parser/EXPECTED_RIGHT_PAREN":          "a ) is expected instead of %s",
	"Parser/UNEXPECTED_ADDITIONAL_INPUT":   "the expression is complete before %s",
	"Parser/UNKNOWN_BUILTIN_FUNCTION":      "there is no operator %s",
	"Interpreter/EXPECTED_NUMERIC_OPERAND": "%s needs numbers on both sides",
	"Interpreter/EXPECTED_STRING_OPERAND":  "%s needs strings on both sides",
	"Interpreter/EXPECTED_PATTERN_OPERAND": "%s needs a /pattern/ on its right side",
	"Interpreter/UNKNOWN_VARIABLE":         "there is no variable %s",
}

// Error says what is wrong in words.
func (e *Error) Error() string {
	lexeme := "the end"
	if e.Lexeme != "" {
		lexeme = fmt.Sprintf("%q", e.Lexeme)
	}
	return fmt.Sprintf(reasons[e.Type]+" (character %d)", lexeme, e.Pos+1)
}

// Parse reads an expression. The error is an *Error.
func Parse(text string) (*Expr, error) {
	tokens, err := scan(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	root, err := p.whole()
	if err != nil {
		return nil, err
	}
	return &Expr{root: root, names: p.names}, nil
}

// Names are the variables that the expression uses, in the order of the text.
func (e *Expr) Names() []string { return e.names }

// Name is the variable's name if the expression is a variable and nothing
// else, or "".
func (e *Expr) Name() string {
	if v, ok := e.root.(variable); ok {
		return v.token.text
	}
	return ""
}

// Eval gives the value of the expression: a bool, int64, string or *Pattern, or
// nil for undefined. The lookup gives a variable's value (nil: undefined), and
// whether there is one. The error is an *Error.
func (e *Expr) Eval(lookup func(name string) (any, bool)) (any, error) {
	return e.root.eval(lookup)
}

// Truth tells whether a value counts as true.
func Truth(v any) bool { return v != nil && v != false }
