package term

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

func graphs() map[string]*plan.Pipeline {
	one := func(jobs ...*plan.Job) *plan.Pipeline {
		return &plan.Pipeline{Workflows: []*plan.Workflow{flow("main", jobs...)}}
	}
	return map[string]*plan.Pipeline{
		"single":  one(pjob("build")),
		"chain":   one(pjob("a"), pjob("b", "a"), pjob("c", "b")),
		"chains":  one(pjob("a1"), pjob("b1", "a1"), pjob("a2"), pjob("b2", "a2"), pjob("lone")),
		"fan":     one(pjob("setup"), pjob("test-1", "setup"), pjob("test-2", "setup"), pjob("test-10", "setup"), pjob("deploy", "test-1", "test-2", "test-10")),
		"diamond": one(pjob("checkout"), pjob("build", "checkout"), pjob("lint", "checkout"), pjob("unit", "build"), pjob("e2e", "build"), pjob("deploy", "unit", "e2e", "lint", "build")),
		"crossed": one(pjob("a"), pjob("b"), pjob("c", "b"), pjob("d", "a")),
		"shared":  one(pjob("a"), pjob("b"), pjob("x", "a"), pjob("y", "a", "b"), pjob("z", "b")),
		"bipart":  one(pjob("a"), pjob("b"), pjob("x", "a", "b"), pjob("y", "a", "b"), pjob("end", "x")),
		"swapped": one(pjob("a"), pjob("b"), pjob("x", "a", "b"), pjob("y", "b"), pjob("z", "y", "x"), pjob("w", "a")),
		"project": project(),
	}
}

func TestGraphGolden(t *testing.T) {
	for _, theme := range []Theme{{Unicode: true}, {}} {
		var b bytes.Buffer
		for _, name := range []string{"single", "chain", "chains", "fan", "diamond", "crossed", "shared", "bipart", "swapped", "project"} {
			b.WriteString("--- " + name + "\n")
			if err := Graph(&b, graphs()[name], theme); err != nil {
				t.Fatal(err)
			}
		}
		golden(t, theme.pick("graph.txt", "graph-ascii.txt"), b.String())
	}
}

func TestGraphOfManyAndNarrow(t *testing.T) {
	var b bytes.Buffer
	if err := Graph(&b, matrix(), Theme{Unicode: true, Size: sized(80, 24)}); err != nil {
		t.Fatal(err)
	}
	golden(t, "graph-200.txt", b.String())
	b.Reset()
	if err := Graph(&b, project(), Theme{Unicode: true, Size: sized(40, 24)}); err != nil {
		t.Fatal(err)
	}
	golden(t, "graph-40.txt", b.String())
}

// TestGraphLinesAreTrue draws random graphs and follows the lines from each
// job, to the right, up and down: they must lead to the jobs that require it,
// and to no other.
func TestGraphLinesAreTrue(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		f := randomFlow(random)
		d := lay(layersOf(f))
		c := newCanvas(d.width, d.height)
		d.draw(c)
		ranks := ranked(f)
		want := map[string][]string{}
		for to, needed := range reduced(f, ranks) {
			for _, from := range needed {
				want[from] = append(want[from], to)
			}
		}
		for at, name := range c.labels {
			got := c.follow(at.row, at.column+len(name)+1)
			slices.Sort(got)
			slices.Sort(want[name])
			if !slices.Equal(got, want[name]) {
				t.Fatalf("%s leads to %v, should lead to %v\n%s", name, got, want[name], strings.Join(c.lines(Theme{Unicode: true}), "\n"))
			}
		}
	}
}

func randomFlow(random *rand.Rand) *plan.Workflow {
	f := flow("random")
	for i := range 1 + random.IntN(12) {
		var needs []string
		for n := range i {
			if random.IntN(i+1) < 2 {
				needs = append(needs, f.Jobs[n].Name)
			}
		}
		f.Jobs = append(f.Jobs, pjob(fmt.Sprintf("j%d", i), needs...))
	}
	return f
}

// follow walks from a cell to all labels that the lines lead to.
func (c *canvas) follow(row, column int) []string {
	var found []string
	type step struct {
		point
		heading stroke
	}
	seen := map[step]bool{}
	var walk func(s step)
	walk = func(s step) {
		if s.column >= len(c.cells[0]) || seen[s] {
			return
		}
		seen[s] = true
		if name := c.labels[point{s.row, s.column + 1}]; name != "" && s.heading == right {
			found = append(found, name)
			return
		}
		here := c.cells[s.row][s.column]
		if s.heading != right && here&(up|down) == 0 { // under a line of another net
			walk(step{moved(s.point, s.heading), s.heading})
			return
		}
		for _, way := range []stroke{up, down, right} {
			if here&way != 0 && s.heading+way != up+down {
				walk(step{moved(s.point, way), way})
			}
		}
	}
	walk(step{point{row, column}, right})
	return found
}

func moved(p point, way stroke) point {
	switch way {
	case up:
		p.row--
	case down:
		p.row++
	case right:
		p.column++
	}
	return p
}
