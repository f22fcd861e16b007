package chart

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// DOT writes a digraph for Graphviz. https://graphviz.org/doc/info/lang.html
func DOT(w io.Writer, p *plan.Pipeline) error {
	out := bufio.NewWriter(w)
	out.WriteString("digraph popsicle {\n  rankdir=LR;\n  node [shape=box, fontname=\"Helvetica\"];\n  edge [fontname=\"Helvetica\"];\n")
	for i, g := range graphs(p) {
		fmt.Fprintf(out, "  subgraph cluster_%d {\n    label=\"%s\";\n", i, quoted(g.name))
		for _, n := range g.nodes {
			fmt.Fprintf(out, "    %s [label=\"%s\"%s];\n", n.id, quoted(n.label), dotShape(n.kind))
		}
		out.WriteString("  }\n")
		for _, e := range g.edges {
			attributes := ""
			if e.label != "" {
				attributes = fmt.Sprintf(" [label=\"%s\", style=dashed]", quoted(e.label))
			}
			fmt.Fprintf(out, "  %s -> %s%s;\n", e.from.id, e.to.id, attributes)
		}
	}
	out.WriteString("}\n")
	return out.Flush()
}

func dotShape(k plan.Kind) string {
	switch k {
	case plan.Approval:
		return ", shape=hexagon"
	case plan.NoOp, plan.Lock, plan.Unlock:
		return ", style=rounded"
	}
	return ""
}

func quoted(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) }
