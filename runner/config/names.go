package config

import (
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// Names are what a file calls its workflows and the jobs in them.
type Names struct {
	Workflows []string
	Jobs      []string // that run: not those that wait for an approval
	Approvals []string
}

// Names tells the names that stand in the file, in its order, without
// compiling it: none of those that a matrix, a parameter or an orb makes.
func (f *File) Names() Names {
	var n Names
	flows := f.root.Get("workflows")
	if !flows.Is(tree.Map) {
		return n
	}
	for _, p := range flows.Pairs {
		if p.Key.Text == "version" || !p.Value.Is(tree.Map) {
			continue
		}
		n.Workflows = append(n.Workflows, p.Key.Text)
		for _, item := range items(p.Value.Get("jobs")) {
			n.add(item)
		}
	}
	return n
}

// add takes one entry of a workflow's jobs.
func (n *Names) add(item *tree.Node) {
	key, args := item, item.At(tree.Null, "")
	if item.Kind == tree.Map && len(item.Pairs) == 1 {
		key, args = item.Pairs[0].Key, item.Pairs[0].Value
	}
	name, list := key.String(), &n.Jobs
	if given := args.Get("name").String(); given != "" {
		name = given
	}
	if args.Get("type").String() == "approval" {
		list = &n.Approvals
	}
	if name != "" && !strings.Contains(name, "<<") && !strings.Contains(name, "/") && !slices.Contains(*list, name) {
		*list = append(*list, name)
	}
}
