package runner

import (
	"cmp"
	"slices"
)

// masked stands for a secret, as in CircleCI's own logs.
const masked = "****"

// A Mask knows the secrets of a run and takes them out of output: the one
// place that does. It is an Aho-Corasick automaton, so the number of secrets
// costs nothing per byte, and it never changes once made.
type Mask struct {
	next  [][256]int32 // per state, the state after a byte
	depth []int        // per state, how much of a secret it has seen
	match []int        // per state, the length of the longest secret that ends here
}

// NewMask returns a mask of the values that CircleCI would mask: those of at
// least four characters that are not true or false.
func NewMask(values []string) *Mask {
	m := &Mask{}
	m.state(0)
	for _, v := range values {
		if secret(v) {
			m.add(v)
		}
	}
	m.link()
	return m
}

func secret(v string) bool {
	return len(v) >= 4 && v != "true" && v != "True" && v != "false" && v != "False"
}

func (m *Mask) state(depth int) int32 {
	m.next = append(m.next, [256]int32{})
	m.depth = append(m.depth, depth)
	m.match = append(m.match, 0)
	return int32(len(m.next) - 1)
}

func (m *Mask) add(v string) {
	at := int32(0)
	for i := range len(v) {
		if m.next[at][v[i]] == 0 {
			n := m.state(i + 1) // before the index: it may move m.next
			m.next[at][v[i]] = n
		}
		at = m.next[at][v[i]]
	}
	m.match[at] = len(v)
}

// link fills in, breadth first, where to go when a secret does not go on.
func (m *Mask) link() {
	fail := make([]int32, len(m.next))
	order := make([]int32, len(m.next))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(m.depth[a], m.depth[b]) })
	for _, s := range order {
		for c := range 256 {
			back := int32(0)
			if s != 0 {
				back = m.next[fail[s]][c]
			}
			if child := m.next[s][c]; child == 0 {
				m.next[s][c] = back
			} else {
				fail[child] = back
				m.match[child] = max(m.match[child], m.match[back])
			}
		}
	}
}

// String returns s with every secret masked.
func (m *Mask) String(s string) string {
	var out []byte
	w := m.stream(func(p []byte) { out = append(out, p...) })
	w.Write([]byte(s))
	w.Flush()
	return string(out)
}

// A maskStream masks one stream, wherever its writes are cut. It holds back
// no more than the beginning of a secret.
type maskStream struct {
	*Mask
	out     func([]byte) // the bytes are only lent
	at      int32
	pending []byte // seen and not yet let out
	secret  int    // so many bytes of pending, from its beginning at from, are secret
	from    int
}

func (m *Mask) stream(out func([]byte)) *maskStream {
	return &maskStream{Mask: m, out: out}
}

// Write masks the next piece of the stream.
func (w *maskStream) Write(p []byte) {
	if len(w.next) == 1 { // no secrets
		w.out(p)
		return
	}
	for _, c := range p {
		w.pending = append(w.pending, c)
		w.at = w.next[w.at][c]
		if n := w.match[w.at]; n > 0 {
			w.mark(len(w.pending)-n, len(w.pending))
		}
		if w.secret > 0 && w.depth[w.at] < len(w.pending)-w.from-w.secret {
			w.release()
		}
	}
	w.drain(w.depth[w.at])
}

// mark joins the secret pending[from:to] with the one before it, if they
// overlap; a secret apart lets the one before it out.
func (w *maskStream) mark(from, to int) {
	if w.secret > 0 && from >= w.from+w.secret {
		end := w.from + w.secret
		w.release()
		from, to = from-end, to-end
	}
	if w.secret > 0 {
		from = min(from, w.from)
	}
	w.from, w.secret = from, to-from
}

// release lets out what is before the marked secret, and the mask for it.
func (w *maskStream) release() {
	w.out(w.pending[:w.from])
	w.out([]byte(masked))
	w.pending = append(w.pending[:0], w.pending[w.from+w.secret:]...)
	w.from, w.secret = 0, 0
}

// drain lets out all but the last keep bytes, which may become a secret.
func (w *maskStream) drain(keep int) {
	end := len(w.pending) - keep
	if w.secret > 0 {
		if end < w.from+w.secret {
			return // the secret may still grow
		}
		end -= w.from + w.secret
		w.release()
	}
	if end > 0 {
		w.out(w.pending[:end])
		w.pending = append(w.pending[:0], w.pending[end:]...)
	}
}

// Flush lets out what is held back, at the end of the stream.
func (w *maskStream) Flush() {
	w.drain(0)
	w.at = 0
}
