package config

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/popsicle-ci/popsicle/runner/config/schema"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// checkDefinitions looks at every element of the config as it is written, used
// or not, so that mistakes in what this pipeline does not reach are found too.
func (c *compiler) checkDefinitions(s *scope) {
	for _, k := range []struct {
		key  string
		kind element
	}{{"commands", aCommand}, {"executors", anExecutor}, {"jobs", aJob}} {
		for _, p := range pairs(s.node.Get(k.key)) {
			c.checkElement(s, k.kind, p.Key.Text, p.Value)
		}
	}
	for name := range s.groups {
		if s.jobs[name] != nil {
			c.at(s.node.Get("job-groups").KeyNode(name), fmt.Sprintf("%q is the name of a job group and of a job", name), "rename one of them")
		}
	}
}

// checker compares what is written with the language. Version 2 ignores keys
// that it does not know.
func (c *compiler) checker() *schema.Checker {
	check := &schema.Checker{Report: c.add, Templates: c.templated, Deprecated: func(n *tree.Node, k *schema.Key) {
		c.warn(n, "deprecated", fmt.Sprintf("the key %s is deprecated", k.Name), "write "+k.Deprecated)
	}}
	check.Lax = !c.templated
	check.Unknown = func(e *Error) {
		e.Code = "unknown-key"
		c.warnings = append(c.warnings, e)
	}
	return check
}

// checkElement checks a job, command or executor as it is written, once.
func (c *compiler) checkElement(s *scope, kind element, name string, n *tree.Node) {
	if s.checked[n] {
		return
	}
	s.checked[n] = true
	if n.Kind == tree.String {
		c.doubt(func() {
			if found, from := s.findAlias(kind, n); found == nil && from == nil {
				c.unknown(n, kind, n.Text, s)
			}
		})
		return
	}
	t := map[element]*schema.Type{aJob: c.lang.Job, aCommand: c.lang.Command, anExecutor: c.lang.Executor}[kind]
	check := c.checker()
	check.Lax = check.Lax || isPassive(n)
	check.Skip = func(t *schema.Type, key string) bool {
		return t == c.lang.Step && s.commands[key] != nil // a command that shadows a built-in step
	}
	check.Check(n, t, string(kind)+" "+name)
	if n.Kind != tree.Map || isPassive(n) {
		return // what is in a passive job is ignored
	}
	c.checkParameters(n.Get("parameters"), kind == aJob && s.name == "")
	declared := index(n.Get("parameters"))
	list := n.Get("steps")
	if kind == aJob && c.templated && (list == nil || list.Is(tree.List) && len(list.Items) == 0) {
		c.at(cmp.Or(list, n), fmt.Sprintf("the job %q has no steps", name), "give it the key steps with at least one step")
	}
	c.doubt(func() {
		for _, p := range n.Pairs {
			if p.Key.Text != "parameters" && p.Key.Text != "description" {
				c.checkNames(p.Value, declared, s)
			}
		}
		c.checkExecutor(n.Get("executor"), s)
		if list.Is(tree.List) {
			c.checkSteps(list, s)
		}
	})
}

// doubt collects what a check finds as doubts. Names are looked up when an
// element is expanded, and CircleCI accepts whatever it does not expand; so a
// name that does not exist is a mistake if the expansion comes by it as well,
// and else a warning.
func (c *compiler) doubt(check func()) {
	c.doubting = true
	check()
	c.doubting = false
}

// settle makes warnings of the doubts that turned out to be no mistakes.
func (c *compiler) settle() {
	for _, e := range c.doubts {
		if !c.seen[e.Pos] {
			e.Code, e.Message = "unreached", "never reached, but "+e.Message
			c.warnings = append(c.warnings, e)
		}
	}
}

// checkExecutor looks up the executor of a job that names it outright.
func (c *compiler) checkExecutor(ref *tree.Node, s *scope) {
	if ref.Is(tree.Map) {
		ref = ref.Get("name")
	}
	if !ref.Is(tree.String) || ref.Templated {
		return
	}
	if found, from := s.find(anExecutor, ref.Text); found == nil && from == nil {
		c.unknown(ref, anExecutor, ref.Text, s)
	}
}

// undeclarable are the names that CircleCI's compiler refuses as parameters of a job.
var undeclarable = []string{"name", "pre-steps", "post-steps", "filters", "requires", "context", "type", "override-with", "upstream"}

// checkParameters checks the declarations of an element.
func (c *compiler) checkParameters(n *tree.Node, ofJob bool) {
	for _, p := range pairs(n) {
		name, decl := p.Key.Text, p.Value
		if ofJob && slices.Contains(undeclarable, name) {
			c.at(p.Key, fmt.Sprintf("a job cannot have a parameter named %q", name), "it is a key of every invocation: choose another name")
		}
		if decl.Get("type").String() == "enum" && !decl.Get("enum").Is(tree.List) {
			c.at(p.Key, fmt.Sprintf("the parameter %q is an enum without values", name), "list them under enum")
			continue
		}
		if def := decl.Get("default"); def != nil && !def.Templated && decl.Kind == tree.Map {
			c.typed(def, decl, name)
		}
	}
}

// checkNames looks for << parameters.x >> that the element does not declare.
func (c *compiler) checkNames(n *tree.Node, declared map[string]*tree.Node, s *scope) {
	if !n.Templated || !c.templated {
		return
	}
	for _, item := range n.Items {
		c.checkNames(item, declared, s)
	}
	for _, p := range n.Pairs {
		c.checkNames(p.Value, declared, s)
	}
	if n.Kind != tree.String {
		return
	}
	if t := c.template(n); t != nil {
		c.names(n, t, &frame{scope: s, params: declared})
	}
}

// checkSteps looks at steps that may never be expanded: their names, and the
// names of their arguments.
func (c *compiler) checkSteps(list *tree.Node, s *scope) {
	for _, item := range list.Items {
		key, args := item, item.At(tree.Null, "")
		if item.Kind == tree.Map && len(item.Pairs) > 0 {
			key, args = item.Pairs[0].Key, item.Pairs[0].Value
		}
		if !item.Templated || item.Kind == tree.Map {
			c.checkStep(key, args, s)
		}
	}
}

func (c *compiler) checkStep(key, args *tree.Node, s *scope) {
	command, from := s.find(aCommand, key.Text)
	switch {
	case !key.Scalar():
	case command != nil:
		if !from.relaxed {
			c.checkArguments(key, args, command, s)
		}
	case from != nil:
	case key.Text == "when" || key.Text == "unless":
		if steps := args.Get("steps"); steps.Is(tree.List) {
			c.checkSteps(steps, s)
		}
	case key.Text == "steps":
		if args.Kind == tree.List {
			c.checkSteps(args, s)
		}
	case c.lang.Step.Key(key.Text) == nil:
		c.unknown(key, aCommand, key.Text, s, c.lang.Step.Names()...)
	}
}

func (c *compiler) checkArguments(key, args, command *tree.Node, s *scope) {
	params := command.Get("parameters")
	for _, p := range pairs(args) {
		decl := params.Get(p.Key.Text)
		if decl == nil {
			k := call{params: params}
			c.at(p.Key, fmt.Sprintf("the command %q has no parameter %q", key.Text, p.Key.Text), didYouMean(p.Key.Text, keys(index(params)), k.known()))
		} else if decl.Get("type").String() == "steps" && p.Value.Kind == tree.List {
			c.checkSteps(p.Value, s)
		}
	}
	for _, p := range pairs(params) {
		if args.Get(p.Key.Text) == nil && p.Value.Get("default") == nil {
			c.at(key, fmt.Sprintf("the command %q needs the parameter %q", key.Text, p.Key.Text), "give it, or give its declaration a default")
		}
	}
}
