package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// A scope is a namespace: the config itself, or an orb.
type scope struct {
	name      string // the orb as messages call it; empty for the config
	node      *tree.Node
	jobs      map[string]*tree.Node
	commands  map[string]*tree.Node
	executors map[string]*tree.Node
	groups    map[string]*tree.Node
	orbs      map[string]*scope // nil for an orb that could not be had
	checked   map[*tree.Node]bool
	relaxed   bool // an orb that may be another version than the config means
}

func (c *compiler) newScope(name string, n *tree.Node) *scope {
	s := &scope{
		name: name, node: n, checked: map[*tree.Node]bool{},
		jobs: index(n.Get("jobs")), commands: index(n.Get("commands")),
		executors: index(n.Get("executors")), groups: index(n.Get("job-groups")),
	}
	c.loadOrbs(s, n.Get("orbs"))
	return s
}

// index makes a map's values findable by their keys; big configs have
// thousands of jobs.
func index(n *tree.Node) map[string]*tree.Node {
	m := make(map[string]*tree.Node, len(pairs(n)))
	for _, p := range pairs(n) {
		m[p.Key.Text] = p.Value
	}
	return m
}

// element is one of the three things that orbs share.
type element string

const (
	aJob       element = "job"
	aCommand   element = "command"
	anExecutor element = "executor"
)

func (s *scope) elements(kind element) map[string]*tree.Node {
	switch kind {
	case aJob:
		return s.jobs
	case aCommand:
		return s.commands
	}
	return s.executors
}

// find looks up a name, or orb/name. The scope is the one the element was
// defined in; a nil node with a scope means that an orb is missing, which was
// reported already.
func (s *scope) find(kind element, name string) (*tree.Node, *scope) {
	if n := s.elements(kind)[name]; n != nil {
		if n.Kind == tree.String {
			return s.findAlias(kind, n)
		}
		return n, s
	}
	alias, rest, ok := strings.Cut(name, "/")
	switch {
	case !ok && s.relaxed && kind != aCommand: // a command may be a built-in step
		return standIn(kind, name), s
	case !ok:
		return nil, nil
	}
	orb, known := s.orbs[alias]
	switch {
	case !known:
		return nil, nil
	case orb == nil:
		return nil, s
	}
	n := orb.elements(kind)[rest]
	switch {
	case n != nil:
		return n, orb
	case orb.relaxed:
		return standIn(kind, name), orb
	}
	return nil, nil
}

// findAlias follows an element that is another name for one, mostly of an orb.
func (s *scope) findAlias(kind element, n *tree.Node) (*tree.Node, *scope) {
	for range maxNested {
		next := s.elements(kind)[n.Text]
		switch {
		case next == nil:
			return s.find(kind, n.Text)
		case next.Kind != tree.String:
			return next, s
		}
		n = next
	}
	return nil, nil // they name each other in a circle
}

// standIn is what takes the place of an element that a relaxed orb lacks.
func standIn(kind element, name string) *tree.Node {
	at := &tree.Node{File: name, Line: 1, Column: 1}
	switch kind {
	case aJob:
		return at.MapOf(tree.Pair{Key: at.Str("type"), Value: at.Str("no-op")})
	case aCommand:
		return at.MapOf(tree.Pair{Key: at.Str("steps"), Value: at.ListOf(nil)})
	}
	image := at.MapOf(tree.Pair{Key: at.Str("image"), Value: at.Str(name)})
	return at.MapOf(tree.Pair{Key: at.Str("docker"), Value: at.ListOf([]*tree.Node{image})})
}

// names lists what find can find, for suggestions.
func (s *scope) names(kind element) []string {
	var names []string
	for name := range s.elements(kind) {
		names = append(names, name)
	}
	for alias, orb := range s.orbs {
		if orb != nil {
			for name := range orb.elements(kind) {
				names = append(names, alias+"/"+name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// unknown reports a name that find did not find.
func (c *compiler) unknown(n *tree.Node, kind element, name string, s *scope, extra ...string) {
	if c.full() {
		return
	}
	where := ""
	if s.name != "" {
		where = " in the orb " + s.name
	}
	hint := fmt.Sprintf("define it under %ss", kind)
	if alias, rest, ok := strings.Cut(name, "/"); ok {
		orb, known := s.orbs[alias]
		switch {
		case !known:
			hint = fmt.Sprintf("import an orb as %s under orbs", alias)
		case orb != nil:
			hint = fmt.Sprintf("the orb %s has no %s %s", orb.name, kind, rest)
		}
	}
	others := slices.DeleteFunc(append(s.names(kind), extra...), func(other string) bool { return other == name }) // one that names itself
	c.at(n, fmt.Sprintf("there is no %s %q%s", kind, name, where), didYouMean(name, others, hint))
}
