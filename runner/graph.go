package runner

import (
	"slices"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A graph decides which jobs of a workflow may start. It has no clock, no
// goroutine and no opinion of why a job ended.
type graph struct {
	nodes []node
}

// A node is a job in the graph. It is ready when no requirement is open.
type node struct {
	open     int  // requirements that may still be met
	started  bool // given out by next, or ended without a start
	children []edge
}

// An edge leads to a job that requires this one, ended in one of statuses.
type edge struct {
	to       int
	statuses []string
}

// newGraph makes the graph of jobs. Every requirement must be among them.
func newGraph(jobs []*plan.Job) *graph {
	g := &graph{nodes: make([]node, len(jobs))}
	index := map[string]int{}
	for i, j := range jobs {
		index[j.Name] = i
	}
	for i, j := range jobs {
		for _, r := range j.Requires {
			from := index[r.Job]
			g.nodes[from].children = append(g.nodes[from].children, edge{to: i, statuses: r.Statuses})
			g.nodes[i].open++
		}
	}
	return g
}

// next gives out the jobs that may start now, each once, in order.
func (g *graph) next() []int {
	var ready []int
	for i := range g.nodes {
		if n := &g.nodes[i]; n.open == 0 && !n.started {
			n.started = true
			ready = append(ready, i)
		}
	}
	return ready
}

// A hopeless is a job that can no longer start.
type hopeless struct {
	job    int
	reason string
}

// finish tells that a job ended, and returns those that can never start now:
// not_run, which other jobs may be waiting for in turn.
func (g *graph) finish(i int, name string, s event.Status) []hopeless {
	var gone []hopeless
	for _, e := range g.nodes[i].children {
		child := &g.nodes[e.to]
		if child.started {
			continue
		}
		if slices.Contains(e.statuses, required(s)) {
			child.open--
			continue
		}
		child.started = true
		gone = append(gone, hopeless{e.to, "requires " + name + ", which ended as " + string(s)})
	}
	return gone
}

// required is a status in the words of requires.
func required(s event.Status) string {
	switch s {
	case event.TimedOut, event.InfrastructureFail:
		return string(event.Failed)
	}
	return string(s)
}
