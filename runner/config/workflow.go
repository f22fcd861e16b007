package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/schema"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// maxJobs is how many jobs all workflows of a config can have.
const maxJobs = 20_000

// A member is one job of a workflow.
type member struct {
	key   *tree.Node // the job's name as written in the workflow
	entry int        // which entry of the workflow's jobs it comes from
	base  string     // its name before suffixes
	name  string     // its name
	alias string     // by which all members of its matrix are required; empty without matrix
	also  string     // the name it would have with the matrix parameters in alphabetical order
	def   string     // the job that it runs
	job   *tree.Node // expanded; nil for an approval
	args  *tree.Node // what the workflow says of it
	flow  *flow
	space string // the group it is in, with a slash: names are looked up inside of it
	needs []need
}

// workflows expands every workflow, also those that do not run now, so that
// their mistakes are found.
func (c *compiler) workflows() []*flow {
	n := c.root.Get("workflows")
	if n == nil || n.Kind == tree.Null {
		n = c.implicit()
	}
	var flows []*flow
	for _, p := range pairs(n) {
		if p.Key.Text == "version" && p.Value.Scalar() {
			continue
		}
		c.checker().Check(p.Value, c.lang.Workflow, "workflows."+p.Key.Text)
		if p.Value.Kind == tree.Map {
			flows = append(flows, c.flow(p))
		}
	}
	return flows
}

// implicit is the workflow of a config that has none: it runs the job build,
// on the branches that the job itself names, as configs did before workflows.
func (c *compiler) implicit() *tree.Node {
	build := c.root.Get("jobs")
	if build == nil || build.Get("build") == nil {
		hint := "add workflows, or name the job build"
		for _, p := range c.root.Pairs {
			if schema.Nearest(p.Key.Text, []string{"workflows"}) != "" && p.Key.Text != "workflows" {
				hint = fmt.Sprintf("did you write %q for workflows?", p.Key.Text)
			}
		}
		c.at(c.root, "the config has no workflows, and no job named build", hint)
		return nil
	}
	key := build.KeyNode("build")
	entry := key
	if branches := build.Get("build").Get("branches"); branches != nil {
		filters := key.MapOf(tree.Pair{Key: key.Str("branches"), Value: branches})
		entry = key.MapOf(tree.Pair{Key: key, Value: key.MapOf(tree.Pair{Key: key.Str("filters"), Value: filters})})
	}
	w := key.MapOf(tree.Pair{Key: key.Str("jobs"), Value: key.ListOf([]*tree.Node{entry})})
	return key.MapOf(tree.Pair{Key: key.Str("workflow"), Value: w})
}

// flow expands one workflow.
func (c *compiler) flow(p tree.Pair) *flow {
	w := &flow{key: p.Key, node: p.Value}
	f := &frame{scope: c.scope}
	w.skipped = c.skips(w, f)
	for i, item := range items(p.Value.Get("jobs")) {
		key, args := item, item.At(tree.Null, "")
		if item.Kind == tree.Map && len(item.Pairs) == 1 {
			key, args = item.Pairs[0].Key, item.Pairs[0].Value
		}
		if key.Scalar() && (args.Kind == tree.Map || args.Kind == tree.Null) {
			w.members = append(w.members, c.invoke(w, i, invocation{key, args, f})...)
		}
	}
	return w
}

// skips decides when and unless of a workflow: why it does not run, or nil.
func (c *compiler) skips(w *flow, f *frame) *plan.Skipped {
	if w.node.Get("when") != nil && w.node.Get("unless") != nil {
		c.at(w.node.KeyNode("unless"), "the workflow has when and unless", "join the two conditions with and and not under when")
	}
	for _, key := range []string{"when", "unless"} {
		n := w.node.Get(key)
		if n != nil && c.workflowCondition(n, f) == (key == "unless") {
			reason := map[string]string{"when": "its condition (when) does not hold", "unless": "its condition (unless) holds"}[key]
			return &plan.Skipped{Reason: reason, Pos: w.node.KeyNode(key).Pos()}
		}
	}
	return nil
}

// invoke makes the members of one entry: one, or those of its matrix.
func (c *compiler) invoke(w *flow, entry int, inv invocation) []*member {
	matrix := inv.args.Get("matrix")
	if matrix == nil {
		return c.member(w, entry, inv, inv.key.Text)
	}
	var members []*member
	alias := inv.key.Text
	if a := matrix.Get("alias"); a != nil {
		alias = c.fill(a, inv.f).String()
	}
	combos := c.combinations(matrix, inv.f)
	for i, combo := range combos {
		f := &frame{scope: inv.f.scope, matrix: combo.values()}
		args := inv.args.Without("matrix")
		for _, p := range combo {
			if p.Key.Text != "name" {
				args = args.With(p.Key.Text, p.Value)
			}
		}
		name := c.memberName(inv, combo, f, i, len(combos))
		for _, m := range c.member(w, entry, invocation{inv.key, args, f}, name) {
			m.alias, m.also = alias, inv.key.Text+combo.sorted().suffix()
			members = append(members, m)
		}
	}
	return members
}

// memberName names a job of a matrix: by `name` with its templates, by a plain
// `name` with a number, by the matrix parameter `name`, or by its values.
func (c *compiler) memberName(inv invocation, combo combination, f *frame, i, n int) string {
	name := inv.args.Get("name")
	switch {
	case name != nil && name.Templated:
		return c.fill(name, f).String()
	case name != nil && n == 1:
		return name.String()
	case name != nil:
		return name.String() + "-" + strconv.Itoa(i+1)
	case combo.values()["name"] != nil:
		return combo.values()["name"].String()
	}
	return inv.key.Text + combo.suffix()
}

// member makes one job, or the jobs of a group.
func (c *compiler) member(w *flow, entry int, inv invocation, name string) []*member {
	if n := inv.args.Get("name"); n != nil && name == inv.key.Text {
		name = c.fill(n, inv.f).String()
	}
	if c.jobs++; c.jobs > maxJobs {
		c.at(inv.key, fmt.Sprintf("the config makes more than %d jobs", maxJobs), "use smaller matrices")
		return nil
	}
	m := &member{key: inv.key, entry: entry, base: name, name: name, def: inv.key.Text, flow: w}
	m.args = c.workflowArgs(inv)
	if inv.args.Get("type").String() == "approval" {
		return []*member{m}
	}
	if group := c.scope.groups[inv.key.Text]; group != nil {
		return c.group(w, m, inv, group)
	}
	def, scope := c.definition(inv)
	if def == nil || def.Kind != tree.Map {
		m.def = ""
		return []*member{m} // kept, so that what requires it is not reported as well
	}
	m.job = c.job(inv, def, scope)
	return []*member{m}
}

// workflowArgs are the keys of an invocation that the compiled config keeps,
// filled in.
func (c *compiler) workflowArgs(inv invocation) *tree.Node {
	kept := inv.key.MapOf()
	for _, key := range []string{"type", "context", "filters", "serial-group", "requires"} {
		v := inv.args.Get(key)
		switch {
		case v == nil:
		case key == "filters" && v.Kind != tree.Map && v.Kind != tree.Null:
			holds := c.workflowCondition(v, inv.f)
			kept = kept.With(key, v.At(tree.Bool, strconv.FormatBool(holds)))
		case key == "requires":
			kept = kept.With(key, c.fillKeys(c.fill(v, inv.f), inv.f))
		default:
			kept = kept.With(key, c.fill(v, inv.f))
		}
	}
	return kept
}

// fillKeys fills in << >> in the keys of a requires list, where names stand.
func (c *compiler) fillKeys(list *tree.Node, f *frame) *tree.Node {
	out := *list
	out.Items = make([]*tree.Node, len(list.Items))
	for i, item := range list.Items {
		out.Items[i] = item
		if len(item.Pairs) == 1 && strings.Contains(item.Pairs[0].Key.Text, "<<") {
			key := *item.Pairs[0].Key
			key.Templated = true
			out.Items[i] = item.MapOf(tree.Pair{Key: c.fill(&key, f), Value: item.Pairs[0].Value})
		}
	}
	return &out
}
