package server

import (
	"cmp"
	"fmt"
	"slices"
)

// A drawing is a workflow as a picture: a column for each rank of jobs, and
// lines from each job to those that wait for it.
type drawing struct {
	Workflow
	Width, Height int
	Boxes         []*box
	Lines         []string // paths of SVG
}

// A box is a job in a drawing, all its parallel nodes together.
type box struct {
	Job   // the node that is worst off
	Nodes int
	X, Y  int
	rank  int // the length of the longest chain of jobs before it
	row   float64
	needs []*box
	above map[*box]bool // all it waits for, directly or not
}

// The sizes of a drawing, in pixels.
const (
	boxWidth, boxHeight = 200, 34
	columnGap, rowGap   = 48, 12
	edgeRoom            = 3    // for the ring of the box that has the focus
	mostBoxes           = 1000 // larger workflows have the list alone
)

// drawAll draws the workflows of a pipeline.
func drawAll(workflows []Workflow, jobs []Job) []drawing {
	var all []drawing
	for _, w := range workflows {
		if boxes := boxesOf(w.Name, jobs); len(boxes) > 0 && len(boxes) <= mostBoxes {
			all = append(all, draw(w, boxes))
		}
	}
	return all
}

// boxesOf makes the boxes of a workflow, in the order of its plan: a job
// stands behind those that it requires.
func boxesOf(workflow string, jobs []Job) []*box {
	var boxes []*box
	byPlace, byName := map[int]*box{}, map[string]*box{}
	for _, j := range jobs {
		if j.Workflow != workflow {
			continue
		}
		b := byPlace[j.Position]
		if b == nil {
			b = &box{Job: j}
			byPlace[j.Position], byName[j.Name] = b, b
			boxes = append(boxes, b)
		}
		if b.Nodes++; weightOf(j.Status) > weightOf(b.Status) {
			b.Job = j
		}
	}
	for _, b := range boxes {
		for _, name := range b.Requires {
			if need := byName[name]; need != nil && need != b {
				b.needs = append(b.needs, need)
			}
		}
	}
	seen := map[*box]bool{}
	for _, b := range boxes {
		b.settle(seen)
	}
	return boxes
}

// weightOf orders statuses: the worst of a job's nodes is the job's.
func weightOf(status string) int {
	return slices.Index([]string{"skipped", "not_run", "success", "canceled", "timedout", "failed", "infrastructure_fail", "interrupted", "on_hold", "queued", "running"}, status)
}

// settle gives a box its rank, and forgets what follows from its other needs.
func (b *box) settle(seen map[*box]bool) {
	if seen[b] {
		return
	}
	seen[b] = true
	b.above = map[*box]bool{}
	far := map[*box]bool{}
	for _, n := range b.needs {
		n.settle(seen)
		b.rank = max(b.rank, n.rank+1)
		b.above[n] = true
		for a := range n.above {
			far[a], b.above[a] = true, true
		}
	}
	b.needs = slices.DeleteFunc(b.needs, func(n *box) bool { return far[n] })
}

// draw gives the boxes their places, and draws the lines between them.
func draw(w Workflow, boxes []*box) drawing {
	d := drawing{Workflow: w, Boxes: boxes}
	var columns [][]*box
	for _, b := range boxes {
		for len(columns) <= b.rank {
			columns = append(columns, nil)
		}
		columns[b.rank] = append(columns[b.rank], b)
	}
	for x, column := range columns {
		for i, b := range column {
			b.row = float64(i)
			if len(b.needs) > 0 { // beside those it waits for, so that few lines cross
				b.row = 0
				for _, n := range b.needs {
					b.row += n.row / float64(len(b.needs))
				}
			}
		}
		slices.SortStableFunc(column, func(a, b *box) int { return cmp.Compare(a.row, b.row) })
		for y, b := range column {
			b.row = float64(y)
			b.X, b.Y = edgeRoom+x*(boxWidth+columnGap), edgeRoom+y*(boxHeight+rowGap)
			d.Height = max(d.Height, b.Y+boxHeight+edgeRoom)
		}
	}
	d.Width = len(columns)*(boxWidth+columnGap) - columnGap + 2*edgeRoom
	for _, b := range boxes {
		for _, n := range b.needs {
			d.Lines = append(d.Lines, line(n, b))
		}
	}
	return d
}

// line is the path from a box to one that waits for it: level where columns
// lie between, bent in the last gap.
func line(from, to *box) string {
	y, end := from.Y+boxHeight/2, to.Y+boxHeight/2
	bend := to.X - columnGap
	return fmt.Sprintf("M%d %dH%dC%d %d %d %d %d %d", from.X+boxWidth, y, bend, bend+columnGap/2, y, bend+columnGap/2, end, to.X, end)
}

// Label is what stands in the box.
func (b *box) Label() string {
	const room = 20
	text := []rune(b.Name)
	more := ""
	if b.Nodes > 1 {
		more = fmt.Sprintf(" ×%d", b.Nodes)
	}
	if len(text)+len(more) > room {
		return string(text[:room-len(more)-1]) + "…" + more
	}
	return b.Name + more
}
