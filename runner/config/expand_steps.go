package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// Limits of an expansion.
const (
	maxSteps  = 200_000 // of all jobs of a config
	maxNested = 100     // commands inside each other
)

// expandSteps makes a list of built-in steps of a list of steps: commands are
// replaced by their steps, conditions are decided, steps parameters spliced in.
// The steps of the result are Done: their names are not looked up again.
func (c *compiler) expandSteps(list *tree.Node, f *frame) []*tree.Node {
	var out []*tree.Node
	if list.Is(tree.String) && list.Templated && c.templated {
		list = c.fill(list, f)
	} else if list.Is(tree.String) {
		return c.expandStep(list, f)
	}
	if list == nil || list.Kind == tree.Null {
		return nil
	}
	switch list.Kind {
	case tree.List:
		for _, item := range list.Items {
			out = append(out, c.expandStep(item, f)...)
		}
	case tree.Map: // CircleCI takes a map for a list of its entries
		for _, p := range list.Pairs {
			out = append(out, c.invokeStep(p.Key, p.Value, f)...)
		}
	default:
		c.at(list, "steps is "+list.Kind.String(), "it must be a list of steps")
	}
	return out
}

func (c *compiler) expandStep(item *tree.Node, f *frame) []*tree.Node {
	c.steps++ // what was expanded already counts as often as it is used
	if c.steps > maxSteps || len(c.within) > maxNested {
		c.at(item, fmt.Sprintf("the steps expand to more than %d, or commands are nested more than %d deep", maxSteps, maxNested), "use fewer or smaller commands")
		return nil
	}
	if item.Done {
		return []*tree.Node{item}
	}
	switch item.Kind {
	case tree.String:
		name := c.fill(item, f)
		if name.Templated && c.templated {
			return nil // it could not be filled in
		}
		if !name.Scalar() {
			return c.expandSteps(name, f) // a parameter of type steps as an entry of the list
		}
		return c.invokeStep(name, name.At(tree.Null, ""), f)
	case tree.Map:
		if len(item.Pairs) > 0 && (len(item.Pairs) == 1 || c.sloppy(item)) {
			return c.invokeStep(item.Pairs[0].Key, item.Pairs[0].Value, f)
		}
	}
	c.badStep(item)
	return nil
}

func (c *compiler) badStep(item *tree.Node) {
	found := item.Kind.String()
	if item.Kind == tree.Map {
		found = fmt.Sprintf("a map of %d keys", len(item.Pairs))
	}
	c.at(item, "a step is "+found, "it must be a name, or a map of one name to its arguments, which are indented further")
}

// sloppy tells whether a step is `- name:` followed by keys that should have
// been indented further. CircleCI takes the step without them; a warning says so.
func (c *compiler) sloppy(item *tree.Node) bool {
	first := item.Pairs[0]
	if first.Value.Kind == tree.Null && (first.Key.Text == "run" || first.Key.Text == "when" || first.Key.Text == "unless") {
		return false // nothing would be left of it
	}
	c.warn(item.Pairs[1].Key, "step-indent", fmt.Sprintf("the key %q stands beside the step %q and is ignored", item.Pairs[1].Key.Text, first.Key.Text), "indent it further")
	return true
}

// invokeStep expands one step. Commands of the scope come before built-in
// steps of the same name.
func (c *compiler) invokeStep(key, args *tree.Node, f *frame) []*tree.Node {
	if command, scope := f.scope.find(aCommand, key.Text); command != nil {
		return c.invokeCommand(key, args, command, scope, f)
	} else if scope != nil {
		return nil // of an orb that is missing, which was said
	}
	switch {
	case key.Text == "when" || key.Text == "unless":
		return c.conditional(key, args, f)
	case key.Text == "steps":
		return c.expandSteps(args, f)
	case c.lang.Step.Key(key.Text) == nil:
		c.unknown(key, aCommand, key.Text, f.scope, c.lang.Step.Names()...)
		return nil
	}
	return []*tree.Node{expandedStep(key, c.fill(args, f))}
}

// expandedStep is a built-in step of the compiled config, where run always is
// a map, as CircleCI's own compiler writes it.
func expandedStep(key, args *tree.Node) *tree.Node {
	step := *key
	switch {
	case key.Text == "run" && args.Scalar() && args.Kind != tree.Null:
		step = *key.MapOf(tree.Pair{Key: key, Value: args.MapOf(tree.Pair{Key: args.Str("command"), Value: args})})
	case args.Kind != tree.Null:
		step = *key.MapOf(tree.Pair{Key: key, Value: args})
	}
	step.Done = true
	return &step
}

func (c *compiler) conditional(key, args *tree.Node, f *frame) []*tree.Node {
	condition, steps := args.Get("condition"), args.Get("steps")
	if condition == nil || steps == nil {
		c.at(key, fmt.Sprintf("the step %s lacks condition or steps", key.Text), "give it both")
		return nil
	}
	if c.stepCondition(condition, f) == (key.Text == "unless") {
		return nil
	}
	return c.expandSteps(steps, f)
}

func (c *compiler) invokeCommand(key, args, command *tree.Node, scope *scope, f *frame) []*tree.Node {
	if slices.Contains(c.within, command) {
		c.at(key, fmt.Sprintf("the command %q uses itself", key.Text), "commands cannot be recursive")
		return nil
	}
	if args.Kind != tree.Map && args.Kind != tree.Null {
		c.at(args, fmt.Sprintf("the command %q is given %s", key.Text, args.Kind), "its arguments are a map of parameters")
		return nil
	}
	c.checkElement(scope, aCommand, key.Text, command)
	params := c.bind(call{at: key, what: fmt.Sprintf("the command %q", key.Text), params: command.Get("parameters"), args: args, caller: f, scope: scope})
	c.within = append(c.within, command)
	steps := c.expandSteps(command.Get("steps"), &frame{scope: scope, params: params})
	c.within = c.within[:len(c.within)-1]
	return steps
}

// orbName is what stands before the slash of orb/name.
func orbName(name string) string {
	alias, _, _ := strings.Cut(name, "/")
	return alias
}
