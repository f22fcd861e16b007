package term

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// Graph draws the jobs of each workflow from left to right, each behind those
// it requires, joined by lines. Lines that cross without touching are drawn
// with the vertical one interrupted. A requirement that follows from others
// has no line of its own. A drawing that is wider than the terminal gives way
// to a list, indented by how early a job can start.
func Graph(w io.Writer, p *plan.Pipeline, theme Theme) error {
	out := bufio.NewWriter(w)
	columns := theme.columns()
	for i, flow := range p.Workflows {
		if i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(theme.paint(bold, clean(flow.Name)) + "\n")
		for _, line := range theme.graph(flow, columns) {
			out.WriteString(line + "\n")
		}
	}
	return out.Flush()
}

// graph is one workflow, drawn as well as there is room for.
func (t Theme) graph(flow *plan.Workflow, columns int) []string {
	if len(flow.Jobs) == 0 {
		return []string{"  " + t.paint(faint, "no job runs")}
	}
	lines := t.drawing(flow, columns)
	if lines == nil {
		lines = t.outline(flow, columns)
	}
	return append(lines, t.conditions(flow, columns)...)
}

// mostCells and mostJobs bound a drawing: past them nobody would read it.
const (
	mostCells = 1 << 20
	mostJobs  = 1000
)

// drawing is a workflow drawn with lines; nil where it does not fit.
func (t Theme) drawing(flow *plan.Workflow, columns int) []string {
	if len(flow.Jobs) > mostJobs {
		return nil
	}
	d := lay(layersOf(flow))
	if columns > 0 && d.width+2 > columns || d.width*d.height > mostCells {
		return nil
	}
	c := newCanvas(d.width, d.height)
	d.draw(c)
	lines := c.lines(t)
	for i, line := range lines {
		lines[i] = "  " + line
	}
	return lines
}

// outline is a workflow as a list: who can start early stands to the left,
// and each job names those it waits for.
func (t Theme) outline(flow *plan.Workflow, columns int) []string {
	ranks := ranked(flow)
	var lines []string
	for _, j := range inOrder(flow) {
		indent := strings.Repeat("  ", min(ranks[j.Name], 8)+1)
		text := label(j)
		var names []string
		for _, r := range j.Requires {
			names = append(names, clean(r.Job))
		}
		if len(names) > 0 {
			text += t.pick(" ← ", " <- ") + strings.Join(names, ", ")
		}
		lines = append(lines, t.hang(normal, text, indent, indent+"    ", columns)...)
	}
	return lines
}

// conditions tells of requirements that ask for more or other than success,
// which lines do not show.
func (t Theme) conditions(flow *plan.Workflow, columns int) []string {
	var lines []string
	for _, j := range flow.Jobs {
		for _, r := range j.Requires {
			if how := unusual(r); how != "" {
				text := fmt.Sprintf("%s runs after %s%s", clean(j.Name), clean(r.Job), how)
				lines = append(lines, t.hang(faint, text, "  ", "    ", columns)...)
			}
		}
	}
	return lines
}

// label is what stands for a job in a drawing.
func label(j *plan.Job) string {
	if j.Kind == plan.Approval {
		return clean(j.Name) + " (approval)"
	}
	return clean(j.Name)
}
