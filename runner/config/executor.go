package config

import (
	"fmt"
	"slices"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// natives are the keys that say where a job runs.
var natives = []string{"docker", "machine", "macos", "windows"}

// withExecutor merges a job's executor into its body: what the job says itself
// wins as a whole, environments are added up, the job's values winning.
func (c *compiler) withExecutor(body, ref *tree.Node, f *frame) *tree.Node {
	if ref == nil {
		return body
	}
	executor := c.executor(ref, f)
	if executor == nil {
		executor = standIn(anExecutor, "unknown") // said already: the job is not to blame as well
	}
	own := func(key string) bool { return body.Get(key) != nil }
	merged := body.MapOf()
	for _, p := range executor.Pairs {
		switch {
		case slices.Contains(natives, p.Key.Text) && slices.ContainsFunc(natives, own):
		case p.Key.Text == "environment" && own("environment"):
			merged.Pairs = append(merged.Pairs, tree.Pair{Key: p.Key, Value: mergeEnvironments(p.Value, body.Get("environment"))})
		case !own(p.Key.Text):
			merged.Pairs = append(merged.Pairs, p)
		}
	}
	for _, p := range body.Pairs {
		if merged.Get(p.Key.Text) == nil {
			merged.Pairs = append(merged.Pairs, p)
		}
	}
	return merged
}

// executor expands an executor that is given by name, or by a map of its name
// and its arguments.
func (c *compiler) executor(ref *tree.Node, f *frame) *tree.Node {
	if ref.Kind == tree.String {
		ref = c.fill(ref, f)
	}
	name, args := ref, (*tree.Node)(nil)
	if ref.Kind == tree.Map {
		name, args = c.fill(ref.Get("name"), f), ref // bind fills the arguments in
	}
	if name.Is(tree.String) && name.Templated {
		return nil // it could not be filled in
	}
	if !name.Scalar() || name.Text == "" {
		c.at(ref, "the executor has no name", "write its name, or a map with name and its parameters")
		return nil
	}
	found, scope := c.findExecutor(ref, name, f)
	if found == nil {
		if scope == nil {
			c.unknown(name, anExecutor, name.Text, f.scope)
		}
		return nil
	}
	c.checkElement(scope, anExecutor, name.Text, found)
	params := c.bind(call{
		at: name, what: fmt.Sprintf("the executor %q", name.Text), params: found.Get("parameters"),
		args: args, ignore: []string{"name"}, caller: f, scope: scope,
	})
	return c.fill(found.Without("parameters", "description"), &frame{scope: scope, params: params})
}

// findExecutor looks where the value came from first: an executor that was
// passed belongs to who passed it.
func (c *compiler) findExecutor(ref, name *tree.Node, f *frame) (*tree.Node, *scope) {
	if origin := c.origins[ref]; origin != nil {
		if found, scope := origin.find(anExecutor, name.Text); found != nil {
			return found, scope
		}
	}
	return f.scope.find(anExecutor, name.Text)
}

// mergeEnvironments adds two environments up, in any of their shapes; of two
// equal names the second's value counts.
func mergeEnvironments(a, b *tree.Node) *tree.Node {
	switch {
	case a.Kind == tree.Null:
		return b
	case b.Kind == tree.Null:
		return a
	case a.Kind != tree.Map || b.Kind != tree.Map:
		return b.ListOf(append(slices.Clone(items(a)), items(b)...))
	}
	merged := b.MapOf()
	for _, p := range a.Pairs {
		if b.Get(p.Key.Text) == nil {
			merged.Pairs = append(merged.Pairs, p)
		}
	}
	merged.Pairs = append(merged.Pairs, b.Pairs...)
	return merged
}
