package config

import (
	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// emit puts the expanded file together: jobs without parameters, workflows
// without conditions. It is a config of version 2, in which << >> has no
// meaning. Workflows that do not run are not in it, but known to Plan.
func (c *compiler) emit(flows []*flow) *File {
	out := &File{Path: c.root.File, expanded: true, source: c.root, text: c.text, warnings: c.warnings, jobs: map[string]expandedJob{}}
	at := c.root
	jobs, workflows := at.MapOf(), at.MapOf(tree.Pair{Key: at.Str("version"), Value: at.At(tree.Int, "2")})
	for _, w := range flows {
		for _, m := range w.members {
			if m.job == nil {
				continue
			}
			out.jobs[m.name] = expandedJob{m.def, m.job}
			if w.skipped == nil {
				jobs.Pairs = append(jobs.Pairs, tree.Pair{Key: m.key.Str(m.name), Value: m.job})
			}
		}
		pair := tree.Pair{Key: w.key, Value: c.emitFlow(w)}
		out.flows = append(out.flows, expandedFlow{pair, w.skipped})
		if w.skipped == nil {
			workflows.Pairs = append(workflows.Pairs, pair)
		}
	}
	root := at.MapOf(tree.Pair{Key: at.Str("version"), Value: at.At(tree.Int, "2")})
	if setup := at.Get("setup"); setup != nil {
		root = root.With("setup", setup)
	}
	out.root = root.With("jobs", jobs).With("workflows", workflows)
	return out
}

// An expandedFlow is a workflow of an expanded file, and why it does not run
// if it does not.
type expandedFlow struct {
	pair    tree.Pair
	skipped *plan.Skipped
}

// An expandedJob is a job of an expanded file, and the name of the definition
// that it was made from.
type expandedJob struct {
	definition string
	node       *tree.Node
}

// emitFlow is a workflow of the expanded file.
func (c *compiler) emitFlow(w *flow) *tree.Node {
	list := w.key.ListOf(make([]*tree.Node, 0, len(w.members)))
	for _, m := range w.members {
		list.Items = append(list.Items, m.emit())
	}
	out := w.key.MapOf(tree.Pair{Key: w.key.Str("jobs"), Value: list})
	for _, key := range []string{"triggers", "max_auto_reruns"} {
		if v := w.node.Get(key); v != nil {
			out = out.With(key, c.fill(v, &frame{scope: c.scope}))
		}
	}
	return out
}

// emit is a job of a workflow of the expanded file.
func (m *member) emit() *tree.Node {
	key := m.key.Str(m.name)
	args := m.args.Without("requires")
	if len(m.needs) > 0 {
		args = args.With("requires", m.key.ListOf(m.requires()))
	}
	if len(args.Pairs) == 0 {
		return key
	}
	return m.key.MapOf(tree.Pair{Key: key, Value: args})
}

// requires are the requirements by their final names, each once.
func (m *member) requires() []*tree.Node {
	var list []*tree.Node
	seen := map[string]bool{}
	for _, n := range m.needs {
		for _, job := range n.jobs {
			if seen[job.name] {
				continue
			}
			seen[job.name] = true
			name := m.key.Str(job.name)
			if n.status != nil {
				name = m.key.MapOf(tree.Pair{Key: name, Value: n.status})
			}
			list = append(list, name)
		}
	}
	return list
}
