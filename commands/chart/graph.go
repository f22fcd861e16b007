// Package chart draws the jobs of a plan in the formats of other programs:
// Mermaid, Graphviz DOT and SVG. The same plan always gives the same text.
package chart

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A graph is a workflow with the edges that are drawn: a requirement that
// follows from others has none.
type graph struct {
	name  string
	nodes []*node
	edges []edge
}

// A node is one job.
type node struct {
	id    string // "w0j3": unique in the chart, and a name in every format
	label string
	kind  plan.Kind
	place int // in the file
	rank  int // the length of the longest chain of jobs that must end before it
}

// An edge leads from a job to one that requires it.
type edge struct {
	from, to *node
	label    string // how the first must have ended; empty: with success
}

func graphs(p *plan.Pipeline) []*graph {
	all := make([]*graph, len(p.Workflows))
	for i, w := range p.Workflows {
		all[i] = newGraph(i, w)
	}
	return all
}

func newGraph(number int, w *plan.Workflow) *graph {
	g := &graph{name: clean(w.Name), nodes: make([]*node, len(w.Jobs))}
	byName := map[string]*node{}
	for i, j := range w.Jobs {
		g.nodes[i] = &node{id: fmt.Sprintf("w%dj%d", number, i), label: label(j), kind: j.Kind, place: i}
		byName[j.Name] = g.nodes[i]
	}
	all := make([][]edge, len(w.Jobs)) // by the place of their target
	for i, j := range w.Jobs {
		for _, r := range j.Requires {
			if from := byName[r.Job]; from != nil {
				all[i] = append(all[i], edge{from, g.nodes[i], condition(r.Statuses)})
			}
		}
	}
	order := g.ranked(all)
	g.reduce(order, all)
	return g
}

// label is what stands for a job.
func label(j *plan.Job) string {
	text := clean(j.Name)
	if j.Kind == plan.Approval {
		text += " (approval)"
	}
	if j.Parallelism > 1 {
		text += fmt.Sprintf(" ×%d", j.Parallelism)
	}
	return text
}

// condition tells how a job must have ended where that is not with success.
func condition(statuses []string) string {
	switch {
	case len(statuses) == 1 && statuses[0] == "success":
		return ""
	case len(statuses) == 5:
		return "however it ends"
	}
	return clean(strings.Join(statuses, ", "))
}

// ranked gives the nodes their ranks, and returns them in an order in which
// they can start. Plans have no circles.
func (g *graph) ranked(incoming [][]edge) []*node {
	var order []*node
	seen := map[*node]bool{}
	var visit func(*node)
	visit = func(n *node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, e := range incoming[n.place] {
			visit(e.from)
			n.rank = max(n.rank, e.from.rank+1)
		}
		order = append(order, n)
	}
	for _, n := range g.nodes {
		visit(n)
	}
	return order
}

// reduce keeps the edges that do not follow from others: of a job that must
// succeed, nothing is said where one must succeed that waits for its success.
func (g *graph) reduce(order []*node, incoming [][]edge) {
	above := make([]bits, len(g.nodes)) // all whose success a job waits for
	for _, n := range order {
		direct, far := newBits(len(g.nodes)), newBits(len(g.nodes))
		for _, e := range incoming[n.place] {
			if e.label == "" {
				direct.set(e.from.place)
				far.join(above[e.from.place])
			}
		}
		for _, e := range incoming[n.place] {
			if e.label != "" || !far.has(e.from.place) {
				g.edges = append(g.edges, e)
			}
		}
		direct.join(far)
		above[n.place] = direct
	}
}

// bits is a set of places.
type bits []uint64

func newBits(n int) bits { return make(bits, (n+63)/64) }

func (b bits) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bits) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }
func (b bits) join(other bits) {
	for i := range other {
		b[i] |= other[i]
	}
}

// clean takes out what has no place in a name of one line: control
// characters, bytes that are no UTF-8, and what turns the direction of text.
func clean(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r == unicode.ReplacementChar, unicode.Is(unicode.Bidi_Control, r), unicode.Is(unicode.Noncharacter_Code_Point, r):
			return -1
		}
		return r
	}, name)
}
