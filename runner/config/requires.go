package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// A need is one requirement of a member: the jobs that are meant, and how they
// must have ended.
type need struct {
	jobs   []*member
	status *tree.Node // as written; nil for success
}

// resolve finds the jobs that every requires of a workflow means.
func (c *compiler) resolve(w *flow) {
	names := newNames(w)
	for _, m := range w.members {
		for _, r := range items(m.args.Get("requires")) {
			name, status := r, (*tree.Node)(nil)
			if r.Kind == tree.Map && len(r.Pairs) == 1 {
				name, status = r.Pairs[0].Key, r.Pairs[0].Value
			}
			if jobs := c.required(w, m, name, names); len(jobs) > 0 {
				m.needs = append(m.needs, need{jobs, status})
			}
		}
	}
	for _, g := range w.groups {
		g.connect()
	}
	c.circles(w)
}

// circles reports jobs that wait for each other.
func (c *compiler) circles(w *flow) {
	walk := &circleWalk{c: c, state: map[*member]int{}}
	for _, m := range w.members {
		walk.visit(m)
	}
}

// A circleWalk follows requirements in depth.
type circleWalk struct {
	c     *compiler
	path  []*member
	state map[*member]int // 0: not seen, -1: done with, else the place in the path, from 1
}

func (k *circleWalk) visit(m *member) {
	switch at := k.state[m]; {
	case at < 0:
		return
	case at > 0:
		var names []string
		for _, one := range k.path[at-1:] {
			names = append(names, one.base)
		}
		k.c.at(m.key, "jobs require each other in a circle: "+strings.Join(append(names, m.base), " → "), "remove one of these requirements")
		return
	}
	k.path = append(k.path, m)
	k.state[m] = len(k.path)
	for _, n := range m.needs {
		for _, one := range n.jobs {
			k.visit(one)
		}
	}
	k.path = k.path[:len(k.path)-1]
	k.state[m] = -1
}

// workflowNames finds the members of a workflow by what requires can call them.
type workflowNames struct {
	jobs     map[string][]*member // outside of matrices, by their names before suffixes
	matrices map[string][]*member // by their alias
	members  map[string][]*member // of matrices, by their own names
	others   map[string][]*member // by second choices: the job's own name, other orders of values
}

// within is a name as the jobs of the member's group know it: jobs outside do
// not see into a group.
func (m *member) within(name string) string { return m.space + "\x00" + name }

func newNames(w *flow) *workflowNames {
	n := &workflowNames{map[string][]*member{}, map[string][]*member{}, map[string][]*member{}, map[string][]*member{}}
	put := func(m map[string][]*member, name string, one *member) {
		if name != "" {
			m[one.within(name)] = append(m[one.within(name)], one)
		}
	}
	for _, m := range w.members {
		put(n.others, m.def, m)
		put(n.others, m.also, m)
		if m.alias == "" {
			put(n.jobs, strings.TrimPrefix(m.base, m.space), m)
			continue
		}
		put(n.matrices, m.alias, m)
		put(n.members, strings.TrimPrefix(m.base, m.space), m)
	}
	return n
}

// required finds what one name of requires means: another job of the name, or
// all jobs of a matrix. A name of several is a mistake.
func (c *compiler) required(w *flow, m *member, name *tree.Node, names *workflowNames) []*member {
	jobs := without(names.jobs[m.within(name.Text)], m)
	matrix := without(names.matrices[m.within(name.Text)], m)
	switch count := len(jobs) + entries(matrix); {
	case count == 1:
		return append(jobs, matrix...)
	case count > 1:
		c.at(name, fmt.Sprintf("the job %q requires %q, which is the name of %d other jobs in the workflow %q", m.base, name.Text, count, w.key.Text),
			"give each of them a name of its own with the key name")
		return nil
	}
	if name.Templated && c.templated {
		return nil // it could not be filled in
	}
	for _, found := range [][]*member{names.members[m.within(name.Text)], names.others[m.within(name.Text)]} {
		if found = without(found, m); entries(found) == 1 {
			return found
		}
	}
	if c.full() {
		return nil
	}
	if len(names.jobs[m.within(name.Text)]) > 0 {
		c.at(name, fmt.Sprintf("the job %q requires itself", m.base), "remove this requirement")
		return nil
	}
	all := workflowJobs(w, m.space)
	c.at(name, fmt.Sprintf("the job %q requires %q, which the workflow %q does not have", m.base, name.Text, w.key.Text),
		didYouMean(name.Text, all, "it has "+listed(all)))
	return nil
}

// entries counts the entries of the workflow that members come from.
func entries(list []*member) int {
	seen := map[int]bool{}
	for _, m := range list {
		seen[m.entry] = true
	}
	return len(seen)
}

// without leaves a member, and all others of its matrix, out.
func without(list []*member, m *member) []*member {
	var others []*member
	for _, one := range list {
		if one.entry != m.entry {
			others = append(others, one)
		}
	}
	return others
}

func workflowJobs(w *flow, space string) []string {
	var names []string
	for _, m := range w.members {
		if m.space == space {
			names = append(names, strings.TrimPrefix(m.base, space))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// suffix numbers jobs that have the same name, across all workflows, in the
// order of the file. Approvals have no job behind them: theirs are numbered
// within their workflow alone.
func (c *compiler) suffix(flows []*flow) {
	count := map[string]int{}
	name := func(m *member) string {
		if m.job == nil {
			return m.flow.key.Text + "\n" + m.base
		}
		return m.base
	}
	for _, w := range flows {
		for _, m := range w.members {
			count[name(m)]++
		}
	}
	next := map[string]int{}
	for _, w := range flows {
		for _, m := range w.members {
			key := name(m)
			if count[key] < 2 {
				continue
			}
			for next[key]++; count[fmt.Sprintf("%s-%d", key, next[key])] > 0; {
				next[key]++ // the name with this number is taken
			}
			m.name = fmt.Sprintf("%s-%d", m.base, next[key])
		}
	}
}

// sorted is the combination in the alphabetical order of its parameters.
func (m combination) sorted() combination {
	s := slices.Clone(m)
	slices.SortFunc(s, func(a, b tree.Pair) int { return strings.Compare(a.Key.Text, b.Key.Text) })
	return s
}
