package config

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// A call is the use of an element with parameters: who is called, from where,
// with what.
type call struct {
	at     *tree.Node // where the call is written
	what   string     // "the command greet"
	params *tree.Node // what the element declares
	args   *tree.Node // a map, or nil
	ignore []string   // keys among args that are no arguments
	caller *frame
	scope  *scope // of the element that is called
}

// bind gives every declared parameter its value: the argument, which is read
// in the caller's frame, or the default, which is read in the element's own.
func (c *compiler) bind(k call) map[string]*tree.Node {
	values := make(map[string]*tree.Node, len(pairs(k.params)))
	own := &frame{scope: k.scope}
	for _, p := range pairs(k.params) {
		name, decl := p.Key.Text, p.Value
		arg := k.args.Get(name)
		def := decl.Get("default")
		switch {
		case arg != nil && !slices.Contains(k.ignore, name):
			values[name] = c.argument(arg, decl, name, k.caller, k.scope.relaxed)
		case def != nil:
			values[name] = c.argument(def, decl, name, own, k.scope.relaxed)
		default:
			values[name] = nothing(k.at, decl)
			if !k.scope.relaxed {
				c.at(k.at, fmt.Sprintf("%s needs the parameter %q", k.what, name), "give it, or give its declaration a default")
			}
		}
	}
	for _, p := range pairs(k.args) {
		if k.scope.relaxed {
			break
		}
		if values[p.Key.Text] == nil && !slices.Contains(k.ignore, p.Key.Text) {
			c.at(p.Key, fmt.Sprintf("%s has no parameter %q", k.what, p.Key.Text), didYouMean(p.Key.Text, append(keys(values), k.ignore...), k.known()))
		}
	}
	return values
}

// nothing is the value of a parameter that should have been given.
func nothing(at, decl *tree.Node) *tree.Node {
	switch decl.Get("type").String() {
	case "enum":
		if allowed := items(decl.Get("enum")); len(allowed) > 0 {
			return allowed[0]
		}
	case "executor":
		return at.Str("default")
	case "steps":
		return at.ListOf(nil)
	case "boolean":
		return at.At(tree.Bool, "false")
	case "integer":
		return at.At(tree.Int, "1")
	}
	return at.Str("")
}

// known lists the parameters of what is called.
func (k call) known() string {
	if len(pairs(k.params)) == 0 {
		return "it has none"
	}
	var names []string
	for _, p := range k.params.Pairs {
		names = append(names, p.Key.Text)
	}
	return "it has " + listed(names)
}

// argument reads one argument, or a default, in the frame it was written in.
func (c *compiler) argument(arg, decl *tree.Node, name string, f *frame, relaxed bool) *tree.Node {
	kind := decl.Get("type").String()
	if kind == "steps" && arg.Kind == tree.List {
		return arg.ListOf(c.expandSteps(arg, f))
	}
	v := c.fill(arg, f)
	switch kind {
	case "executor":
		if c.origins[v] == nil {
			owned := *v
			v = &owned
			c.origins[v] = f.scope
		}
	case "string":
		if arg != v && v.Scalar() && v.Kind != tree.String {
			v = v.Str(v.String()) // a number or boolean of the pipeline can be written into a string
		}
	}
	if !relaxed && !c.typed(v, decl, name) {
		return unfilled(v) // what follows from it is not reported as well
	}
	return v
}

// typed checks a value against the declared type of a parameter. A value that
// is not of it is reported.
func (c *compiler) typed(v, decl *tree.Node, name string) (ok bool) {
	kind := decl.Get("type").String()
	if v.Templated {
		return true // it could not be filled in
	}
	ok = true
	wrong := func(right string) {
		ok = false
		found := v.Kind.String()
		if v.Scalar() && v.Kind != tree.Null {
			found = strconv.Quote(v.Text) + ", " + found
		}
		c.at(v, fmt.Sprintf("the parameter %q is %s", name, found), right)
	}
	switch kind {
	case "string":
		if v.Kind != tree.String {
			wrong("it must be a string: put quotes around it")
		}
	case "boolean":
		if v.Kind != tree.Bool {
			wrong("it must be true or false")
		}
	case "integer":
		if v.Kind != tree.Int {
			wrong("it must be a whole number")
		}
	case "enum":
		if allowed := texts(decl.Get("enum")); !v.Scalar() || !slices.Contains(allowed, v.String()) {
			wrong(didYouMean(v.String(), allowed, fmt.Sprintf("it must be one of %q", allowed)))
		}
	case "env_var_name":
		if !v.Scalar() || !isEnvName(v.Text) {
			wrong("it must be the name of an environment variable: letters, digits and _, no digit first")
		}
	case "executor":
		if v.Kind != tree.String && !v.Get("name").Scalar() {
			wrong("it must be the name of an executor, or a map with name and its parameters")
		}
	case "steps":
		if v.Kind != tree.List {
			wrong("it must be a list of steps")
		}
	}
	return ok
}

func isEnvName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
