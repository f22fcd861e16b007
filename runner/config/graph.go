package config

import (
	"fmt"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A graph is a workflow while its requirements and filters are worked out.
type graph struct {
	*planner
	workflow *plan.Workflow
	nodes    []*node
	byName   map[string]*node
}

// A node is one job of the graph.
type node struct {
	job    *plan.Job
	inv    *tree.Node // what the workflow says of it
	reason string     // why filters leave it out; empty: they do not
}

// add makes the node of one entry under jobs.
func (g *graph) add(item *tree.Node) {
	key, inv := item, item
	if item.Kind == tree.Map {
		if len(item.Pairs) != 1 {
			return // the check of the workflow has said so
		}
		key, inv = item.Pairs[0].Key, item.Pairs[0].Value
	}
	job := g.invoke(key, inv)
	if job == nil {
		return
	}
	if other := g.byName[job.Name]; other != nil {
		g.clash(key, other.job.Pos, fmt.Sprintf("the workflow %q has two jobs named %q", g.workflow.Name, job.Name), "give one of them another name")
		return
	}
	n := &node{job: job, inv: inv}
	g.byName[job.Name] = n
	g.nodes = append(g.nodes, n)
}

func (g *graph) clash(n *tree.Node, related plan.Pos, message, hint string) {
	g.planner.add(&Error{Pos: n.Pos(), Related: related, Message: message, Hint: hint})
}

// connect resolves requires. Expand has seen to it that there are no circles.
func (g *graph) connect() {
	for _, n := range g.nodes {
		for _, r := range items(n.inv.Get("requires")) {
			g.require(n, r)
		}
	}
}

// statuses are all the ways in which a job can end.
var statuses = []string{"success", "failed", "canceled", "unauthorized", "not_run"}

func (g *graph) require(n *node, r *tree.Node) {
	name, ended := r, []string{"success"}
	if r.Kind == tree.Map && len(r.Pairs) == 1 {
		name = r.Pairs[0].Key
		ended = nil
		for _, s := range items(r.Pairs[0].Value) {
			ended = append(ended, s.Text)
		}
		if len(ended) == 1 && ended[0] == "terminal" {
			ended = statuses
		}
	}
	if g.byName[name.Text] == nil {
		return // of a job that does not exist, which Expand has reported
	}
	n.job.Requires = append(n.job.Requires, plan.Require{Job: name.Text, Statuses: ended})
}

// filter moves what filters refuse from the jobs to the skipped. A requirement
// that is filtered out is not waited for; a job that loses all of them does
// not run either.
func (g *graph) filter() {
	done := map[*node]bool{}
	for _, n := range g.nodes {
		g.decide(n, done)
	}
	for _, n := range g.nodes {
		if n.reason != "" {
			g.workflow.Skipped = append(g.workflow.Skipped, plan.Skipped{Job: n.job.Name, Reason: n.reason, Pos: n.job.Pos})
			continue
		}
		g.workflow.Jobs = append(g.workflow.Jobs, n.job)
	}
}

func (g *graph) decide(n *node, done map[*node]bool) {
	if done[n] {
		return
	}
	done[n] = true // before the requirements, so that a circle, which was reported, ends here
	n.reason = g.refused(n.inv.Get("filters"))
	var kept []plan.Require
	for _, r := range n.job.Requires {
		g.decide(g.byName[r.Job], done)
		if g.byName[r.Job].reason == "" {
			kept = append(kept, r)
		}
	}
	if n.reason == "" && len(kept) == 0 && len(n.job.Requires) > 0 {
		n.reason = "every job it requires is left out: " + required(n.job.Requires)
	}
	n.job.Requires = kept
}

func required(rs []plan.Require) string {
	names := make([]string, len(rs))
	for i, r := range rs {
		names[i] = r.Job
	}
	return strings.Join(names, ", ")
}
