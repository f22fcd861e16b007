package config

import (
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// words are all the words of a config that could name something: keys, and
// strings of one line.
type words struct {
	nodes    map[string][]*tree.Node
	prefixes map[string]bool // what stands before a slash: orbs
	patterns []affixes       // words with << >>, which can become many
}

// affixes are what stands before the first << and after the last >>.
type affixes struct{ before, after string }

func newWords(n *tree.Node) *words {
	w := &words{nodes: map[string][]*tree.Node{}, prefixes: map[string]bool{}}
	each(n, w.add)
	return w
}

func (w *words) add(n *tree.Node) {
	if !n.Scalar() || n.Text == "" || len(n.Text) > 200 || strings.Contains(n.Text, "\n") {
		return
	}
	w.nodes[n.Text] = append(w.nodes[n.Text], n)
	if before, _, ok := strings.Cut(n.Text, "/"); ok {
		w.prefixes[before] = true
	}
	if open, end := strings.Index(n.Text, "<<"), strings.LastIndex(n.Text, ">>"); open >= 0 && end > open {
		if a := (affixes{n.Text[:open], n.Text[end+2:]}); a.before+a.after != "" && !strings.Contains(n.Text, " <<") {
			w.patterns = append(w.patterns, a)
		}
	}
}

// uses tells whether anything but the definition itself could name it.
func (w *words) uses(name string, definition *tree.Node) bool {
	for _, n := range w.nodes[name] {
		if n != definition {
			return true
		}
	}
	if w.prefixes[name] {
		return true
	}
	for _, p := range w.patterns {
		if len(name) >= len(p.before)+len(p.after) && strings.HasPrefix(name, p.before) && strings.HasSuffix(name, p.after) {
			return true
		}
	}
	return false
}
