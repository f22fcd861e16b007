package config

import (
	"fmt"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// env reads an environment in any of its shapes: a map, a list of maps, a
// list of KEY=VALUE. Values are literal; the last of two equal names counts.
func (p *planner) env(n *tree.Node) []plan.Var {
	e := &environment{at: map[string]int{}}
	if n.Is(tree.Map) {
		e.addMap(n)
		return e.vars
	}
	for _, item := range items(n) {
		if item.Kind == tree.Map {
			e.addMap(item)
			continue
		}
		name, value, ok := strings.Cut(item.String(), "=")
		if !ok {
			p.at(item, fmt.Sprintf("environment: %q has no =", item.String()), "write NAME=VALUE, or NAME: value")
		}
		e.set(name, value)
	}
	return e.vars
}

type environment struct {
	vars []plan.Var
	at   map[string]int
}

func (e *environment) addMap(n *tree.Node) {
	for _, p := range n.Pairs {
		e.set(p.Key.Text, p.Value.String())
	}
}

func (e *environment) set(name, value string) {
	if i, have := e.at[name]; have {
		e.vars[i].Value = value
		return
	}
	e.at[name] = len(e.vars)
	e.vars = append(e.vars, plan.Var{Name: name, Value: value})
}
