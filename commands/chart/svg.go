package chart

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// style keeps to colours that are read on light and on dark ground.
const style = `text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #1f2328; }
.title { font-weight: bold; font-size: 13px; }
.label { font-size: 10px; fill: #9a6700; }
.job { fill: #f6f8fa; stroke: #59636e; }
.approval { fill: #fff8c5; stroke: #9a6700; }
.small { fill: #eef1f4; stroke: #818b98; }
path { fill: none; stroke: #818b98; stroke-width: 1.3; }
.dashed { stroke: #9a6700; stroke-dasharray: 4 3; }
marker path { fill: #818b98; stroke: none; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; } .label { fill: #d29922; }
.job { fill: #151b23; stroke: #9198a1; } .approval { fill: #272115; stroke: #d29922; } .small { fill: #0d1117; stroke: #656c76; }
}
`

// margin is the room around each workflow, titleHeight that of its name.
const (
	margin      = 16.0
	titleHeight = 26.0
)

// SVG draws the workflows below one another.
func SVG(w io.Writer, p *plan.Pipeline) error {
	all := graphs(p)
	layouts := make([]*layout, len(all))
	width, height := 200.0, margin
	for i, g := range all {
		layouts[i] = newLayout(g)
		width = max(width, layouts[i].width+2*margin, textWidth(g.name)*13/12+2*margin)
		height += titleHeight + layouts[i].height + margin
	}
	out := &drawing{bufio.NewWriter(w)}
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%[2]s" viewBox="0 0 %[1]s %[2]s">`+"\n", number(width), number(height))
	fmt.Fprintf(out, "<style>%s</style>\n", style)
	out.WriteString(`<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>` + "\n")
	y := margin
	for i, g := range all {
		out.workflow(g, layouts[i], y)
		y += titleHeight + layouts[i].height + margin
	}
	out.WriteString("</svg>\n")
	return out.Flush()
}

// A drawing is an SVG on its way out.
type drawing struct{ *bufio.Writer }

func (d *drawing) workflow(g *graph, l *layout, y float64) {
	fmt.Fprintf(d, `<g transform="translate(%s %s)">`+"\n", number(margin), number(y))
	fmt.Fprintf(d, `<text class="title" x="0" y="12">%s</text>`+"\n", escaped(g.name))
	fmt.Fprintf(d, `<g transform="translate(0 %s)">`+"\n", number(titleHeight))
	shared := map[[2]*spot]bool{}
	for _, e := range g.edges {
		d.edge(l, e, shared)
	}
	for _, n := range g.nodes {
		d.node(l.spots[n])
	}
	d.WriteString("</g>\n</g>\n")
}

// edge draws a line; the pieces that it shares with others are drawn once.
func (d *drawing) edge(l *layout, e edge, shared map[[2]*spot]bool) {
	from, to := l.spots[e.from], l.spots[e.to]
	at := from
	for layer := from.layer + 1; layer < to.layer; layer++ {
		next := l.bends[bend{e.from, layer}]
		if piece := [2]*spot{at, next}; !shared[piece] {
			shared[piece] = true
			fmt.Fprintf(d, `<path d="%s"/>`+"\n", curve(at, next))
		}
		at = next
	}
	class := ""
	if e.label != "" {
		class = ` class="dashed"`
	}
	fmt.Fprintf(d, `<path%s marker-end="url(#end)" d="%s"/>`+"\n", class, curve(at, to))
	if e.label != "" {
		fmt.Fprintf(d, `<text class="label" text-anchor="middle" x="%s" y="%s">%s</text>`+"\n", number((at.end+to.x)/2), number((at.middle()+to.middle())/2-4), escaped(e.label))
	}
}

// curve leads from the right side of one spot to the left side of the next:
// straight past the others of its layer, then through the gap.
func curve(from, to *spot) string {
	y1, x2, y2 := from.middle(), to.x, to.middle()
	bow := (x2 - from.end) / 2
	return fmt.Sprintf("M%s %sH%sC%s %s %s %s %s %s", number(from.x+from.width()), number(y1), number(from.end),
		number(from.end+bow), number(y1), number(x2-bow), number(y2), number(x2), number(y2))
}

func (d *drawing) node(s *spot) {
	class, round := "job", 4.0
	switch s.node.kind {
	case plan.Approval:
		class = "approval"
	case plan.NoOp, plan.Lock, plan.Unlock:
		class, round = "small", nodeHeight/2
	}
	fmt.Fprintf(d, `<rect class="%s" x="%s" y="%s" width="%s" height="%s" rx="%s"/>`, class, number(s.x), number(s.y), number(s.width()), number(nodeHeight), number(round))
	fmt.Fprintf(d, `<text x="%s" y="%s">%s</text>`+"\n", number(s.x+padding), number(s.middle()+4), escaped(s.node.label))
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

// number writes a length with a tenth of a pixel.
func number(v float64) string { return fmt.Sprint(math.Round(v*10) / 10) }
