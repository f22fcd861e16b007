package config

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/go-multierror"
	"github.com/popsicle-ci/popsicle/runner/config/schema"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// An OrbSource gives the sources of orbs. It is asked once for each orb of a file.
type OrbSource interface {
	// Orb gives an orb by what stands in the config: "circleci/node@5.1", a path
	// like "./orbs/mine.yml", or a URL. The error says why there is none and
	// what to do; a *multierror.Error of *Error is what is wrong in its source.
	Orb(ref string) (*tree.Node, error)
}

// loadOrbs makes the scopes of the orbs that a config or an orb imports.
func (c *compiler) loadOrbs(s *scope, n *tree.Node) {
	s.orbs = map[string]*scope{}
	if n == nil {
		return
	}
	for _, p := range c.fillOrbs(n).Pairs {
		alias, ref := p.Key.Text, p.Value
		switch {
		case ref.Kind == tree.String && ref.Templated:
			s.orbs[alias] = nil // it could not be filled in
		case ref.Kind == tree.Map:
			s.orbs[alias] = c.inlineOrb(alias, ref)
		case ref.Kind == tree.String:
			s.orbs[alias] = c.orb(ref, ref.Text)
		default:
			c.at(ref, fmt.Sprintf("the orb %q is %s", alias, ref.Kind), "write a reference like circleci/node@5.1, or an inline orb")
		}
	}
}

// fillOrbs fills in the references under orbs; what is in inline orbs is not
// the config's to fill in.
func (c *compiler) fillOrbs(n *tree.Node) *tree.Node {
	out := n.MapOf()
	for _, p := range n.Pairs {
		if p.Value.Kind == tree.String {
			p.Value = c.fill(p.Value, &frame{scope: &scope{}})
		}
		out.Pairs = append(out.Pairs, p)
	}
	return out
}

// inlineOrb makes the scope of an orb's source. What is in it is checked when
// it is used: orbs of the registry have been checked when they were published.
func (c *compiler) inlineOrb(alias string, n *tree.Node) *scope {
	check := schema.Checker{Report: c.add, Templates: true}
	for _, key := range []string{"jobs", "commands", "executors", "orbs"} {
		if v := n.Get(key); v != nil && v.Kind != tree.Map && v.Kind != tree.Null {
			check.Check(v, c.lang.Orb.Key(key).Type, key+" of the orb "+alias)
			return nil
		}
	}
	return c.newScope(alias, n)
}

// orb loads an orb that is not inline. Nil stands for one that could not be had.
func (c *compiler) orb(at *tree.Node, ref string) *scope {
	if known, loaded := c.orbs[ref]; loaded {
		return known
	}
	if slices.Contains(c.loading, ref) {
		c.at(at, fmt.Sprintf("the orb %s imports itself: %s", ref, strings.Join(append(c.loading, ref), " → ")), "orbs cannot import each other in a circle")
		return nil
	}
	c.loading = append(c.loading, ref)
	defer func() { c.loading = c.loading[:len(c.loading)-1] }()
	s := c.readOrb(at, ref)
	c.orbs[ref] = s
	return s
}

func (c *compiler) readOrb(at *tree.Node, ref string) *scope {
	if c.o.Orbs == nil {
		c.at(at, fmt.Sprintf("the orb %s is not here", ref), "run `popsicle orb vendor` once; from then on it is found offline")
		return nil
	}
	root, err := c.o.Orbs.Orb(ref)
	var many *multierror.Error
	switch {
	case c.o.RelaxOrbs && errors.Is(err, fs.ErrNotExist):
		return &scope{name: ref, relaxed: true, checked: map[*tree.Node]bool{}}
	case errors.As(err, &many):
		for _, e := range many.Errors {
			c.orbError(at, ref, e)
		}
		return nil
	case err != nil:
		c.orbError(at, ref, err)
		return nil
	case !root.Is(tree.Map):
		c.at(at, fmt.Sprintf("the orb %s holds no map", ref), "an orb is a map with the keys commands, jobs and executors")
		return nil
	}
	s := c.inlineOrb(ref, root)
	if s != nil {
		s.relaxed = c.o.RelaxOrbs
	}
	return s
}

// unversioned matches the name of an orb in a registry.
var unversioned = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*/[a-z0-9_-]+$`)

func (c *compiler) orbError(at *tree.Node, ref string, err error) {
	var e *Error
	if errors.As(err, &e) {
		c.add(e)
		return
	}
	if unversioned.MatchString(ref) && errors.Is(err, fs.ErrNotExist) {
		c.at(at, fmt.Sprintf("the orb %s has no version, and there is no such file", ref), fmt.Sprintf("write %s@1.2.3, or ./%s for a file of the checkout", ref, ref))
		return
	}
	c.at(at, fmt.Sprintf("the orb %s: %v", ref, err), "")
}
