package tree

import (
	"github.com/popsicle-ci/popsicle/runner/plan"
	"gopkg.in/yaml.v3"
)

// UnusedAnchors finds the anchors of a document that no alias refers to, by
// their names. A text that is no YAML has none.
func UnusedAnchors(file string, text []byte) map[string]plan.Pos {
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) != nil {
		return nil
	}
	unused := map[string]plan.Pos{}
	used := map[*yaml.Node]bool{}
	var anchored []*yaml.Node
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Kind == yaml.AliasNode {
			used[n.Alias] = true
			return
		}
		if n.Anchor != "" {
			anchored = append(anchored, n)
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(&doc)
	for _, n := range anchored {
		if !used[n] {
			unused[n.Anchor] = plan.Pos{File: file, Line: n.Line, Column: n.Column}
		}
	}
	return unused
}
