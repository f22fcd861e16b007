package tree

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// pairs fills a map: explicit keys win over merged ones wherever they stand,
// the first of several merges wins over later ones, and a key written twice is
// a mistake.
func (r *reader) pairs(n *Node, y *yaml.Node, depth int) {
	m := &mapping{node: n, at: make(map[string]int, len(y.Content)/2)}
	n.Pairs = make([]Pair, 0, len(y.Content)/2)
	for i := 0; i+1 < len(y.Content); i += 2 {
		if key := y.Content[i]; isMerge(key) {
			r.merge(m, y.Content[i+1], depth)
		} else {
			r.pair(m, key, y.Content[i+1], depth)
		}
	}
}

// mapping is a map in the making.
type mapping struct {
	node   *Node
	at     map[string]int
	merged []bool // the pair came from a merge key
}

func isMerge(key *yaml.Node) bool {
	return key.Value == "<<" && key.Kind == yaml.ScalarNode && key.Style == 0
}

func (r *reader) pair(m *mapping, y, value *yaml.Node, depth int) {
	key := r.node(y, depth+1)
	v := r.node(value, depth+1)
	if key == nil || v == nil {
		return
	}
	if !key.Scalar() {
		r.failAt(y, "a key is "+key.Kind.String(), "keys are plain words")
		return
	}
	i, have := m.at[key.Text]
	switch {
	case !have:
		m.add(key, v, false)
	case m.merged[i]:
		m.node.Pairs[i], m.merged[i] = Pair{key, v}, false
		m.node.Templated = m.node.Templated || v.Templated
	default:
		first := m.node.Pairs[i].Key.Pos()
		r.errs = append(r.errs, &Error{
			Pos: r.pos(y), Related: first,
			Message: fmt.Sprintf("the key %q stands twice in this map, first at %d:%d", key.Text, first.Line, first.Column),
			Hint:    "remove or rename one of the two",
		})
	}
}

func (m *mapping) add(key, value *Node, merged bool) {
	m.at[key.Text] = len(m.node.Pairs)
	m.node.Pairs = append(m.node.Pairs, Pair{key, value})
	m.merged = append(m.merged, merged)
	m.node.Templated = m.node.Templated || value.Templated
}

// merge adds the pairs of `<<: *map` or `<<: [*map, *map]`.
func (r *reader) merge(m *mapping, y *yaml.Node, depth int) {
	v := r.node(y, depth+1)
	if v == nil {
		return
	}
	sources := []*Node{v}
	if v.Kind == List {
		sources = v.Items
	}
	for _, s := range sources {
		if s.Kind != Map {
			r.failAt(y, "the merge key << gets "+s.Kind.String(), "it merges maps: <<: *anchor of a map, or a list of such aliases")
			continue
		}
		for _, p := range s.Pairs {
			if _, have := m.at[p.Key.Text]; !have {
				m.add(p.Key, p.Value, true)
			}
		}
	}
}
