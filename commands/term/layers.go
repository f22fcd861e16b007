package term

import (
	"slices"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A knot is a point of a drawing that lines lead to and from: a job, or a
// bend without a label where a line passes a layer.
type knot struct {
	label string
	place int // the job's place in the file: ties are broken by it
	row   int
	from  []*knot // in the layer before
}

// layersOf puts the jobs of a workflow into layers by rank, with every line
// leading from one layer to the next: where it would skip layers it gets
// bends. A job whose lines would share a piece with another's without all
// their ends being the same gets a bend for each: so what touches belongs
// together.
func layersOf(flow *plan.Workflow) [][]*knot {
	ranks := ranked(flow)
	knots := map[string]*knot{}
	var layers [][]*knot
	for i, j := range flow.Jobs {
		knots[j.Name] = &knot{label: label(j), place: i}
		for len(layers) <= ranks[j.Name] {
			layers = append(layers, nil)
		}
		layers[ranks[j.Name]] = append(layers[ranks[j.Name]], knots[j.Name])
	}
	b := bends{layers: layers, made: map[bend]*knot{}}
	for name, needed := range reduced(flow, ranks) {
		for _, r := range needed {
			b.join(knots[r], ranks[r], knots[name], ranks[name])
		}
	}
	return parted(b.layers)
}

// bends remembers the bends of each line: all lines from one knot share them.
type bends struct {
	layers [][]*knot
	made   map[bend]*knot
}

type bend struct {
	of    *knot
	layer int
}

// join leads a line from one knot to another.
func (b *bends) join(from *knot, fromLayer int, to *knot, toLayer int) {
	source := from
	for layer := fromLayer + 1; layer < toLayer; layer++ {
		k := b.made[bend{source, layer}]
		if k == nil {
			k = &knot{place: source.place, from: []*knot{from}}
			b.made[bend{source, layer}] = k
			b.layers[layer] = append(b.layers[layer], k)
		}
		from = k
	}
	to.from = append(to.from, from)
}

// reduced gives each job the requirements that do not follow from others.
func reduced(flow *plan.Workflow, ranks map[string]int) map[string][]string {
	above := map[string]map[string]bool{} // all that a job waits for, however far
	out := map[string][]string{}
	for _, j := range inOrder(flow) {
		all, far := map[string]bool{}, map[string]bool{}
		for _, r := range j.Requires {
			if rank, known := ranks[r.Job]; !known || rank >= ranks[j.Name] {
				continue
			}
			all[r.Job] = true
			for name := range above[r.Job] {
				all[name], far[name] = true, true
			}
		}
		above[j.Name] = all
		for _, r := range j.Requires {
			if all[r.Job] && !far[r.Job] && !slices.Contains(out[j.Name], r.Job) {
				out[j.Name] = append(out[j.Name], r.Job)
			}
		}
	}
	return out
}

// parted puts a layer of bends between two layers where lines would share a
// piece without sharing all ends.
func parted(layers [][]*knot) [][]*knot {
	var out [][]*knot
	for i, layer := range layers {
		if i > 0 {
			if between := part(layer); between != nil {
				out = append(out, between)
			}
		}
		out = append(out, layer)
	}
	return out
}

// part finds the knots that lead to several groups of targets, a group being
// those with the same sources, and gives them a bend for each group. It
// returns the layer of bends, or nil where no knot does.
func part(targets []*knot) []*knot {
	groups := groupsOf(targets)
	uses := map[*knot]int{}
	for _, g := range groups {
		for _, source := range g.sources {
			uses[source]++
		}
	}
	if !slices.ContainsFunc(groups, func(g group) bool {
		return slices.ContainsFunc(g.sources, func(k *knot) bool { return uses[k] > 1 })
	}) {
		return nil
	}
	var between []*knot
	for _, g := range groups {
		var through []*knot
		for _, source := range g.sources {
			through = append(through, &knot{place: source.place, from: []*knot{source}})
		}
		for _, target := range g.targets {
			target.from = through
		}
		between = append(between, through...)
	}
	return between
}

// A group is targets that have the same sources: one net of lines.
type group struct{ sources, targets []*knot }

func groupsOf(targets []*knot) []group {
	var groups []group
	for _, t := range targets {
		if len(t.from) == 0 {
			continue
		}
		slices.SortFunc(t.from, func(a, b *knot) int { return a.place - b.place })
		i := slices.IndexFunc(groups, func(g group) bool { return slices.Equal(g.sources, t.from) })
		if i < 0 {
			i, groups = len(groups), append(groups, group{sources: t.from})
		}
		groups[i].targets = append(groups[i].targets, t)
	}
	return groups
}
