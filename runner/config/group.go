package config

import (
	"fmt"
	"slices"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// A group is one use of a job group: its jobs between a job that does nothing
// but carry the group's requirements and filters, and one that other jobs
// require. A group with a serial group holds a lock from the one to the other.
type group struct {
	start, end, unlock *member
	inner              []*member
}

// notForGroups are the keys of an invocation that a job group cannot have.
var notForGroups = []string{"matrix", "override-with", "context", "pre-steps", "post-steps", "type"}

// group makes the members of one use of a job group. The member m carries what
// the workflow says of it.
func (c *compiler) group(w *flow, m *member, inv invocation, n *tree.Node) []*member {
	for _, key := range notForGroups {
		if inv.args.Get(key) != nil {
			c.at(inv.args.KeyNode(key), fmt.Sprintf("the job group %q is given %s", inv.key.Text, key), "job groups take requires, filters, name and serial-group")
		}
	}
	if slices.ContainsFunc(w.groups, func(g *group) bool { return g.end.base == m.base }) {
		c.at(inv.key, fmt.Sprintf("the workflow %q has two job groups named %q", w.key.Text, m.base), "give one of them another name with the key name")
	}
	c.checker().Check(n, c.lang.Group, "job-groups."+inv.key.Text)
	g := &group{start: c.passive(m, "group-start", "no-op"), end: c.passive(m, "group-end", "no-op")}
	g.start.args = m.args.Without("serial-group")
	g.end.base, g.end.args = m.base, inv.key.MapOf()
	all := append(c.inner(w, g, m, n), g.end)
	if lock := m.args.Get("serial-group"); lock != nil {
		g.start.job = lockJob(g.start.job, "lock", lock)
		g.unlock = c.passive(m, "group-unlock", "unlock")
		g.unlock.job, g.unlock.args = lockJob(g.unlock.job, "unlock", lock), inv.key.MapOf()
		all = append(all, g.unlock)
	}
	w.groups = append(w.groups, g)
	return append([]*member{g.start}, all...)
}

// inner makes the jobs of a group. Their names begin with the group's.
func (c *compiler) inner(w *flow, g *group, m *member, n *tree.Node) []*member {
	inside := &flow{key: w.key, node: n}
	f := &frame{scope: c.scope}
	for i, item := range items(n.Get("jobs")) {
		key, args := item, item.At(tree.Null, "")
		if item.Kind == tree.Map && len(item.Pairs) == 1 {
			key, args = item.Pairs[0].Key, item.Pairs[0].Value
		}
		if args.Get("serial-group") != nil {
			c.at(args.KeyNode("serial-group"), fmt.Sprintf("the job %q inside a job group has a serial-group", key.Text), "give it to the group")
		}
		if c.scope.groups[key.Text] != nil {
			c.at(key, fmt.Sprintf("the job group %q is inside another group", key.Text), "groups hold jobs alone")
			continue
		}
		if key.Scalar() && (args.Kind == tree.Map || args.Kind == tree.Null) {
			inside.members = append(inside.members, c.invoke(inside, i, invocation{key, args, f})...)
		}
	}
	for _, one := range inside.members {
		one.flow, one.space = w, m.base+"/"
		one.base = one.space + one.base
		one.name = one.base
	}
	g.inner = inside.members
	return inside.members
}

// passive makes a job of a group that has no steps.
func (c *compiler) passive(m *member, name, kind string) *member {
	p := *m
	p.base = m.base + "/" + name
	p.name = p.base
	p.job = m.key.MapOf(tree.Pair{Key: m.key.Str("type"), Value: m.key.Str(kind)})
	return &p
}

func lockJob(job *tree.Node, kind string, key *tree.Node) *tree.Node {
	return job.With("type", key.Str(kind)).With("key", key)
}

// connect puts the group's jobs between its start and its end.
func (g *group) connect() {
	needed := map[*member]bool{}
	for _, m := range g.inner {
		if len(m.needs) == 0 {
			m.needs = []need{{jobs: []*member{g.start}}}
			continue
		}
		for _, n := range m.needs {
			for _, one := range n.jobs {
				needed[one] = true
			}
		}
	}
	for _, m := range g.inner {
		if !needed[m] {
			g.end.needs = append(g.end.needs, need{jobs: []*member{m}})
		}
	}
	if g.unlock != nil {
		g.unlock.needs = []need{{jobs: []*member{g.end}, status: g.end.key.Str("terminal")}}
	}
}
