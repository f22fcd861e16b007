package tree

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
)

// Write gives the node as a YAML document in block style, without anchors,
// that Read reads as an equal node.
func Write(n *Node) []byte {
	w := &writer{written: map[place]span{}}
	w.b.Grow(1 << 16)
	switch {
	case n.Scalar():
		w.scalar(n, 0)
	default:
		w.block(n, 0)
	}
	return w.b.Bytes()
}

// A writer remembers where it has written nodes: expansion shares them, so
// that most of a compiled config is a copy of what stands in it already.
type writer struct {
	b       bytes.Buffer
	written map[place]span
}

type place struct {
	node  *Node
	depth int
}

type span struct{ from, to int }

// once writes a node, or copies it from where it was written at the same depth.
func (w *writer) once(n *Node, depth int, write func(*Node, int)) {
	at := place{n, depth}
	if s, have := w.written[at]; have {
		w.b.Write(w.b.Bytes()[s.from:s.to])
		return
	}
	from := w.b.Len()
	write(n, depth)
	w.written[at] = span{from, w.b.Len()}
}

func (w *writer) indent(depth int) {
	const spaces = "                                        "
	for depth *= 2; depth > 0; depth -= len(spaces) {
		w.b.WriteString(spaces[:min(depth, len(spaces))])
	}
}

// block writes the entries of a list or map, one a line, at the depth.
func (w *writer) block(n *Node, depth int) {
	switch {
	case len(n.Items) == 0 && n.Kind == List:
		w.b.WriteString("[]\n")
	case len(n.Pairs) == 0 && n.Kind == Map:
		w.b.WriteString("{}\n")
	}
	for _, item := range n.Items {
		w.indent(depth)
		w.item(item, depth)
	}
	for _, p := range n.Pairs {
		w.indent(depth)
		w.pair(p, depth)
	}
}

// item writes an entry of a list, whose indentation is written already. A map
// begins on the line of its dash.
func (w *writer) item(n *Node, depth int) {
	w.b.WriteString("- ")
	switch {
	case n.Kind == Map && len(n.Pairs) > 0:
		w.pair(n.Pairs[0], depth+1)
		rest := *n
		rest.Pairs = n.Pairs[1:]
		for _, p := range rest.Pairs {
			w.indent(depth + 1)
			w.pair(p, depth+1)
		}
	case n.Kind == List && len(n.Items) > 0:
		w.item(n.Items[0], depth+1)
		for _, item := range n.Items[1:] {
			w.indent(depth + 1)
			w.item(item, depth+1)
		}
	default:
		w.value(n, depth)
	}
}

func (w *writer) pair(p Pair, depth int) {
	key := plainOrQuoted(p.Key)
	if p.Key.Text == "" {
		key = `""`
	}
	if len(key) > 1000 { // the parser looks no further for the colon
		w.b.WriteString("? " + key + "\n")
		w.indent(depth)
		key = ""
	}
	w.b.WriteString(key)
	w.b.WriteByte(':')
	switch {
	case p.Value.Kind == Map && len(p.Value.Pairs) > 0, p.Value.Kind == List && len(p.Value.Items) > 0:
		w.b.WriteByte('\n')
		w.once(p.Value, depth+1, w.block)
	default:
		w.b.WriteByte(' ')
		w.value(p.Value, depth)
	}
}

// value writes what fits behind a key or a dash.
func (w *writer) value(n *Node, depth int) {
	if n.Scalar() {
		w.scalar(n, depth)
		return
	}
	w.block(n, depth)
}

func (w *writer) scalar(n *Node, depth int) {
	if n.Kind == String && strings.IndexByte(n.Text, '\n') >= 0 && isBlock(n.Text) {
		w.literal(n.Text, depth+1)
		return
	}
	w.b.WriteString(plainOrQuoted(n))
	w.b.WriteByte('\n')
}

func plainOrQuoted(n *Node) string {
	switch {
	case n.Kind == Null && n.Text == "":
		return "null"
	case n.Kind != String || isPlain(n.Text):
		return n.Text
	}
	return strconv.Quote(n.Text)
}

// isPlain tells whether a string can stand without quotes, to any reader of
// YAML: what looks like a number, a date or a boolean cannot.
func isPlain(s string) bool {
	if s == "" || len(s) > 1000 || kindOf(s) != String || strings.HasSuffix(s, " ") || strings.HasSuffix(s, ":") {
		return false
	}
	if c := s[0]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '/' || c == '$') {
		return false
	}
	if s == "y" || s == "Y" || s == "n" || s == "N" || strings.Contains(s, ": ") || strings.Contains(s, " #") {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// isBlock tells whether a string of several lines can be a literal block.
func isBlock(s string) bool {
	if strings.Trim(s, "\n ") == "" {
		return false
	}
	if first := strings.TrimLeft(s, "\n"); first[0] == ' ' || first[0] == '\t' {
		return false // the indentation would be guessed wrongly
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 0x80:
			return !strings.ContainsFunc(s, isStrange)
		case c < ' ' && c != '\n' && c != '\t' || c == 0x7f:
			return false
		}
	}
	return true
}

// isStrange tells letters that a literal block cannot hold.
func isStrange(r rune) bool {
	return r != '\n' && r != '\t' && !unicode.IsPrint(r)
}

func (w *writer) literal(s string, depth int) {
	body := strings.TrimRight(s, "\n")
	switch len(s) - len(body) {
	case 0:
		w.b.WriteString("|-\n")
	case 1:
		w.b.WriteString("|\n")
	default:
		w.b.WriteString("|+\n")
	}
	for line := range strings.SplitSeq(body, "\n") {
		if line != "" {
			w.indent(depth)
			w.b.WriteString(line)
		}
		w.b.WriteString("\n")
	}
	for range len(s) - len(body) - 1 {
		w.b.WriteString("\n")
	}
}
