package actions

import (
	"regexp"
	"slices"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// readMatrix returns the lists of the job's matrix as parameters. What names
// operating systems goes: all that is carried over runs on Linux.
func (b *builder) readMatrix() []tree.Pair {
	m := b.job.Get("strategy").Get("matrix")
	var all []tree.Pair
	for _, p := range pairs(m) {
		switch {
		case p.Key.Text == "include":
			b.noteLeft(p.Key, "matrix.include")
		case p.Key.Text == "exclude":
		case b.isSystem(p):
			b.system = "matrix." + p.Key.Text
		case !p.Value.Is(tree.List) || slices.ContainsFunc(p.Value.Items, func(n *tree.Node) bool { return !n.Scalar() }):
			b.noteLeft(p.Key, "matrix.%s", p.Key.Text)
		case !parameter.MatchString(p.Key.Text) || len(p.Value.Items) == 0:
			b.noteLeft(p.Key, "matrix.%s", p.Key.Text)
		default:
			all = append(all, tree.Pair{Key: p.Key, Value: b.values(p.Value)})
		}
	}
	return all
}

// values are the texts of a list, each once.
func (b *builder) values(list *tree.Node) *tree.Node {
	seen := map[string]bool{}
	var all []*tree.Node
	for _, n := range list.Items {
		if text := openEnd.ReplaceAllString(b.expand(n, n.String()), "$1"); !seen[text] {
			seen[text] = true
			all = append(all, n.Str(text))
		}
	}
	return list.ListOf(all)
}

// parameter is what the name of a parameter may look like.
var parameter = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

// openEnd matches "1.24.x", which no image has as a tag.
var openEnd = regexp.MustCompile(`^(\d+(?:\.\d+)*)\.x$`)

// isSystem says whether an axis of the matrix names what runs-on takes.
func (b *builder) isSystem(axis tree.Pair) bool {
	return expression("matrix." + axis.Key.Text).MatchString(words(b.job.Get("runs-on")))
}

// excluded are the combinations that the matrix leaves out, as far as they
// name every parameter, which the config language asks for.
func (b *builder) excluded() []*tree.Node {
	var all []*tree.Node
	for _, e := range items(b.job.Get("strategy").Get("matrix").Get("exclude")) {
		one := b.at.MapOf()
		for _, p := range b.matrix {
			if v := e.Get(p.Key.Text); v.Scalar() && len(e.Pairs) == len(b.matrix) {
				one = one.With(p.Key.Text, v.Str(v.String()))
			}
		}
		if len(one.Pairs) == len(b.matrix) {
			all = append(all, one)
		} else {
			b.noteLeft(e, "an entry of matrix.exclude")
		}
	}
	return all
}
