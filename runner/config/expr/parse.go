package expr

// A parser reads tokens by recursive descent, one function a level of
// precedence, from the weakest, or, to the strongest, not.
type parser struct {
	tokens []token
	at     int
	depth  int
	names  []string
}

// maxDepth bounds parentheses and nots inside each other.
const maxDepth = 5000

func (p *parser) peek() token { return p.tokens[p.at] }

// next takes the token if it is of one of the kinds.
func (p *parser) next(kinds ...string) (token, bool) {
	t := p.peek()
	for _, k := range kinds {
		if t.kind == k {
			p.at++
			return t, true
		}
	}
	return t, false
}

func (p *parser) fail(kind string, t token) error {
	return &Error{Type: "Parser/" + kind, Token: t.kind, Lexeme: t.text, Pos: t.pos}
}

// whole reads an expression that must use up all tokens.
func (p *parser) whole() (node, error) {
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	extra := p.peek()
	if extra.kind == "EOF" {
		return n, nil
	}
	if _, ok := p.next("IDENTIFIER"); ok {
		// `a name b`: what stands between two values was meant as an operator.
		if _, err := p.comparison(); err == nil {
			return nil, p.fail("UNKNOWN_BUILTIN_FUNCTION", extra)
		}
	}
	return nil, p.fail("UNEXPECTED_ADDITIONAL_INPUT", extra)
}

// level reads operands of the next stronger level joined by the operators of this one.
func (p *parser) level(operand func() (node, error), join func(left node, op token, right node) node, kinds ...string) (node, error) {
	left, err := operand()
	if err != nil {
		return nil, err
	}
	for {
		op, ok := p.next(kinds...)
		if !ok {
			return left, nil
		}
		right, err := operand()
		if err != nil {
			return nil, err
		}
		left = join(left, op, right)
	}
}

func (p *parser) or() (node, error) {
	return p.level(p.and, func(l node, _ token, r node) node { return or{l, r} }, "OR")
}

func (p *parser) and() (node, error) {
	return p.level(p.equality, func(l node, _ token, r node) node { return and{l, r} }, "AND")
}

func asBinary(l node, op token, r node) node { return binary{l, op, r} }

func (p *parser) equality() (node, error) {
	return p.level(p.comparison, asBinary, "EQUAL", "NOT_EQUAL", "BUILTIN")
}

func (p *parser) comparison() (node, error) {
	return p.level(p.unary, asBinary, "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
}

func (p *parser) unary() (node, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		return nil, p.fail("EXPECTED_EXPRESSION", p.peek())
	}
	if _, ok := p.next("NOT"); ok {
		operand, err := p.unary()
		return not{operand}, err
	}
	return p.primary()
}

func (p *parser) primary() (node, error) {
	t, ok := p.next("TRUE", "FALSE", "NUMBER", "STRING", "PATTERN", "IDENTIFIER", "LEFT_PAREN")
	if !ok {
		return nil, p.fail("EXPECTED_EXPRESSION", t)
	}
	switch t.kind {
	case "TRUE", "FALSE":
		return literal{t.kind == "TRUE"}, nil
	case "IDENTIFIER":
		p.names = append(p.names, t.text)
		return variable{t}, nil
	case "LEFT_PAREN":
		return p.group()
	}
	return literal{t.value}, nil
}

// group reads the rest of ( … ).
func (p *parser) group() (node, error) {
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if t, ok := p.next("RIGHT_PAREN"); !ok {
		return nil, p.fail("EXPECTED_RIGHT_PAREN", t)
	}
	return n, nil
}
