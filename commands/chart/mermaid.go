package chart

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// Mermaid writes a flowchart for Mermaid, which GitHub and many editors draw
// in Markdown. https://mermaid.js.org/syntax/flowchart.html
func Mermaid(w io.Writer, p *plan.Pipeline) error {
	out := bufio.NewWriter(w)
	out.WriteString("flowchart LR\n")
	for i, g := range graphs(p) {
		fmt.Fprintf(out, "  subgraph w%d[\"%s\"]\n", i, entities(g.name))
		for _, n := range g.nodes {
			open, end := mermaidShape(n.kind)
			fmt.Fprintf(out, "    %s%s\"%s\"%s\n", n.id, open, entities(n.label), end)
		}
		if len(g.nodes) == 0 {
			fmt.Fprintf(out, "    w%dempty[\"no job runs\"]\n", i)
		}
		out.WriteString("  end\n")
		for _, e := range g.edges {
			arrow := "-->"
			if e.label != "" {
				arrow = "-. \"" + entities(e.label) + "\" .->"
			}
			fmt.Fprintf(out, "  %s %s %s\n", e.from.id, arrow, e.to.id)
		}
	}
	return out.Flush()
}

func mermaidShape(k plan.Kind) (open, end string) {
	switch k {
	case plan.Approval:
		return "{{", "}}"
	case plan.NoOp, plan.Lock, plan.Unlock:
		return "([", "])"
	}
	return "[", "]"
}

// entities escapes a label: Mermaid's entities begin with # and not with &.
func entities(s string) string {
	return strings.NewReplacer("#", "#35;", `"`, "#quot;", "&", "#amp;", "<", "#lt;", ">", "#gt;", "`", "#96;", `\`, "#92;").Replace(s)
}
