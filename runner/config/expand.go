package config

import (
	"fmt"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// Expand makes the file that has no orbs, commands, parameters and templates
// any more. Expanding an expanded file changes nothing. The error is a
// *multierror.Error of *Error.
func (f *File) Expand(o Options) (*File, error) {
	m := &mistakes{}
	root := f.root
	if root.Get("workflows") == nil {
		if root.Get("jobs").Get("build") == nil {
			m.at(root, "the config has no workflows, and no job named build", "add workflows, or name the job build")
			return nil, m.err()
		}
		build := root.Get("jobs").KeyNode("build")
		w := build.MapOf(tree.Pair{Key: build.Str("jobs"), Value: build.ListOf([]*tree.Node{build})})
		root = root.With("workflows", build.MapOf(tree.Pair{Key: build.Str("workflow"), Value: w}))
	}
	if !root.Get("workflows").Is(tree.Map) {
		m.at(root.Get("workflows"), fmt.Sprintf("workflows is %s", root.Get("workflows").Kind), "it must be a map of workflows")
	}
	return &File{Path: f.Path, root: root, expanded: true}, m.err()
}
