package config

import (
	"fmt"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// maxMatrix is how many jobs one matrix can make.
const maxMatrix = 10_000

// A combination is one job of a matrix: a value for every parameter, in the
// order in which the parameters are declared.
type combination []tree.Pair

func (m combination) values() map[string]*tree.Node {
	values := make(map[string]*tree.Node, len(m))
	for _, p := range m {
		values[p.Key.Text] = p.Value
	}
	return values
}

// combinations multiplies a matrix out: the first parameter varies slowest.
func (c *compiler) combinations(matrix *tree.Node, f *frame) []combination {
	all := []combination{{}}
	for _, p := range pairs(matrix.Get("parameters")) {
		values := c.fill(p.Value, f)
		if values.Kind != tree.List && values.Kind != tree.Null {
			c.at(values, fmt.Sprintf("the matrix parameter %q is %s", p.Key.Text, values.Kind), "it must be a list of values")
		}
		if len(all)*len(values.Items) > maxMatrix {
			c.at(p.Key, fmt.Sprintf("the matrix makes more than %d jobs", maxMatrix), "give it fewer values")
			return nil
		}
		all = multiply(all, p.Key, values.Items)
	}
	kept := all[:0]
	for _, one := range all {
		if !c.excluded(one, matrix.Get("exclude"), f) {
			kept = append(kept, one)
		}
	}
	return kept
}

func multiply(all []combination, key *tree.Node, values []*tree.Node) []combination {
	more := make([]combination, 0, len(all)*len(values))
	for _, one := range all {
		for _, v := range values {
			more = append(more, append(one[:len(one):len(one)], tree.Pair{Key: key, Value: v}))
		}
	}
	return more
}

// excluded tells whether an entry of exclude has nothing but values of this
// combination.
func (c *compiler) excluded(one combination, exclude *tree.Node, f *frame) bool {
	values := one.values()
entries:
	for _, entry := range items(exclude) {
		if len(pairs(entry)) == 0 {
			continue
		}
		for _, p := range entry.Pairs {
			v, have := values[p.Key.Text]
			if !have {
				c.at(p.Key, fmt.Sprintf("exclude names %q, which is no parameter of the matrix", p.Key.Text), didYouMean(p.Key.Text, keys(values), "exclude combinations of the matrix's parameters"))
			}
			if !have || !v.Equal(c.fill(p.Value, f)) {
				continue entries
			}
		}
		return true
	}
	return false
}

// suffix is what a combination adds to the job's name: its values in the order
// of the parameters.
func (m combination) suffix() string {
	var b strings.Builder
	for _, p := range m {
		b.WriteByte('-')
		b.WriteString(label(p.Value))
	}
	return b.String()
}

// label is a value as a part of a name; a map is known by its name.
func label(n *tree.Node) string {
	if n.Kind == tree.Map {
		return n.Get("name").String()
	}
	return n.String()
}
