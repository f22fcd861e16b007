package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/expr"
	"github.com/popsicle-ci/popsicle/runner/config/template"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// expression evaluates a string without << >> as an expression of pipeline
// values; what is no such expression is a mistake.
func (c *compiler) expression(n *tree.Node, f *frame) bool {
	e, err := expr.Parse(n.Text)
	if err != nil {
		c.at(n, fmt.Sprintf("%q is no expression: %v", n.Text, err), `write one like pipeline.git.branch == "main"`)
		return false
	}
	return c.evaluate(n, e, f)
}

func (c *compiler) evaluate(n *tree.Node, e *expr.Expr, f *frame) bool {
	var unknown error
	v, err := e.Eval(func(name string) (any, bool) {
		v, err := c.lookup(name, f)
		if unknown == nil {
			unknown = err
		}
		return value(v), err == nil
	})
	if unknown != nil {
		err = unknown
	}
	if err != nil {
		c.templateError(n, err)
	}
	return expr.Truth(v)
}

// workflowCondition decides `when` or `unless` of a workflow, or filters that
// are a string: strings without << >> are expressions.
func (c *compiler) workflowCondition(n *tree.Node, f *frame) bool {
	if c.templated && n.Kind == tree.String && !n.Templated {
		return strings.TrimSpace(n.Text) != "" && c.expression(n, f)
	}
	if n.Kind == tree.Map && n.Get("condition") != nil {
		c.warn(n.KeyNode("condition"), "always-true", "the condition of a workflow has no key condition: a map like this is a value, and always true",
			"write the logic statement itself; only steps have condition")
		return true
	}
	return c.condition(n, f)
}

// stepCondition decides the condition of a when or unless step: a string that
// reads as an expression of values with dots in their names is one, any other
// is just a text, which counts as true.
func (c *compiler) stepCondition(n *tree.Node, f *frame) bool {
	if c.templated && n.Kind == tree.String && !n.Templated && n.Text != "" {
		e, err := expr.Parse(n.Text)
		if err == nil && !slices.ContainsFunc(e.Names(), func(name string) bool { return !strings.Contains(name, ".") }) {
			return c.evaluate(n, e, f)
		}
		c.warn(n, "always-true", fmt.Sprintf("the condition %q is always true", n.Text), "it is taken as a text; write true, false, << parameters.name >> or a logic statement")
		return true
	}
	if n.Kind == tree.String && n.Templated && c.template(n) != nil && c.template(n).Only() == "" && strings.ContainsAny(n.Text, "=!") {
		c.warn(n, "always-true", fmt.Sprintf("the condition %q is always true", n.Text), "a text is never empty here; compare inside << >>, or with equal")
	}
	return c.condition(n, f)
}

// condition decides what is no expression. A list as it is written is a
// mistake.
func (c *compiler) condition(n *tree.Node, f *frame) bool {
	if n.Kind == tree.List {
		c.at(n, "a condition is a list", "write and, or, not, equal or matches above it")
		return false
	}
	return c.holds(c.fill(n, f))
}

// holds decides a logic statement. Other than in expressions, 0 and "" count
// as false.
func (c *compiler) holds(n *tree.Node) bool {
	switch n.Kind {
	case tree.List:
		return true // of a parameter of type steps: orbs ask in this way whether it was given
	case tree.Map:
		return c.statement(n)
	case tree.Float:
		return strings.Trim(n.Text, "+-0._") != "" && !strings.EqualFold(n.Text, ".nan")
	}
	return template.Truth(value(n))
}

func (c *compiler) statement(n *tree.Node) bool {
	if len(n.Pairs) == 0 {
		return true
	}
	key, v := n.Pairs[0].Key, n.Pairs[0].Value
	if len(n.Pairs) > 1 {
		c.warn(n.Pairs[1].Key, "extra-key", fmt.Sprintf("the key %q stands beside %q in a logic statement and is ignored", n.Pairs[1].Key.Text, key.Text), "indent it further, or join the two with and")
	}
	switch key.Text {
	case "not":
		return v.Kind != tree.Null && !c.holds(v) // a statement without operand is false
	case "and", "or", "equal":
		return c.listStatement(key, v)
	case "matches":
		return c.matches(key, v)
	}
	c.warn(key, "always-true", fmt.Sprintf("there is no logic statement %q: a map like this is a value, and always true", key.Text),
		didYouMean(key.Text, []string{"and", "or", "not", "equal", "matches"}, "there are and, or, not, equal and matches"))
	return true
}

func (c *compiler) listStatement(key, v *tree.Node) bool {
	if v.Kind == tree.Null {
		return false
	}
	if v.Kind != tree.List || len(v.Items) == 0 {
		c.at(v, fmt.Sprintf("%s needs a list with at least one entry", key.Text), "write its operands as a list")
		return false
	}
	result := key.Text != "or"
	for _, item := range v.Items {
		switch key.Text {
		case "equal":
			result = result && c.same(v.Items[0], item)
		case "and":
			result = c.holds(item) && result
		default:
			result = c.holds(item) || result
		}
	}
	return result
}

// same compares two values of equal. An executor that was passed as a parameter
// equals its name as well as its definition: configs compare it with either.
func (c *compiler) same(a, b *tree.Node) bool {
	return a.Equal(b) || c.isExecutor(a, b) || c.isExecutor(b, a)
}

func (c *compiler) isExecutor(passed, other *tree.Node) bool {
	origin := c.origins[passed]
	if origin == nil {
		return false
	}
	name := passed
	if passed.Kind == tree.Map {
		name = passed.Get("name")
	}
	if !name.Scalar() {
		return false
	}
	if other.Kind != tree.Map {
		return name.Equal(other)
	}
	def, _ := origin.find(anExecutor, name.Text)
	return def != nil && def.Equal(other)
}

func (c *compiler) matches(key, v *tree.Node) bool {
	pattern, text := v.Get("pattern"), v.Get("value")
	if !pattern.Scalar() || !text.Scalar() {
		c.at(key, "matches needs pattern and value", "both are strings")
		return false
	}
	match, err := c.whole(pattern.Text)
	if err != nil {
		c.at(pattern, fmt.Sprintf("the pattern %q is no regular expression: %v", pattern.Text, err), "write it in the syntax of RE2")
		return false
	}
	return match(text.String())
}
