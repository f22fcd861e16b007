package runner

// masked stands for a secret, as in CircleCI's own logs.
const masked = "****"

// A Mask knows the secrets of a run and takes them out of output: the one
// place that does. It is an Aho-Corasick automaton, so the number of secrets
// costs next to nothing per byte, and it never changes once made.
type Mask struct {
	first  [256]int32 // the state after a byte, from the beginning
	states []state    // the beginnings of secrets; states[0] has seen nothing
}

// A state is a beginning of a secret. A secret can be a key file: states are
// small, so their children are a list.
type state struct {
	c              byte  // the byte that leads here
	child, sibling int32 // longer by one byte; of the same parent; 0: no more
	back           int32 // the longest end of this that begins a secret as well
	open           int32 // the length of the longest end that can go on as a secret
	match          int32 // the length of the longest secret that ends here
}

// NewMask returns a mask of the values that CircleCI would mask: those of at
// least four characters that are not true or false.
func NewMask(values []string) *Mask {
	m := &Mask{states: make([]state, 1)}
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

func (m *Mask) add(v string) {
	at := int32(0)
	for i := range len(v) {
		next := m.child(at, v[i])
		if next == 0 {
			next = int32(len(m.states))
			m.states = append(m.states, state{c: v[i], sibling: m.states[at].child, open: int32(i + 1)})
			m.states[at].child = next
		}
		at = next
	}
	m.states[at].match = int32(len(v))
}

// child returns the state after at and c, if a secret goes on like that.
func (m *Mask) child(at int32, c byte) int32 {
	next := m.states[at].child
	for next != 0 && m.states[next].c != c {
		next = m.states[next].sibling
	}
	return next
}

// next returns the state after at and c.
func (m *Mask) next(at int32, c byte) int32 {
	for at != 0 {
		if next := m.child(at, c); next != 0 {
			return next
		}
		at = m.states[at].back
	}
	return m.first[c]
}

// link fills in, shorter states first, where to go when a secret does not go
// on.
func (m *Mask) link() {
	order := []int32{0}
	for i := 0; i < len(order); i++ {
		parent := order[i]
		for at := m.states[parent].child; at != 0; at = m.states[at].sibling {
			order = append(order, at)
			s := &m.states[at]
			if parent == 0 {
				m.first[s.c] = at
			} else {
				s.back = m.next(m.states[parent].back, s.c)
			}
			back := m.states[s.back]
			s.match = max(s.match, back.match)
			if s.child == 0 {
				s.open = back.open
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
	if len(w.states) == 1 { // no secrets
		w.out(p)
		return
	}
	for len(p) > 0 {
		if w.at == 0 && w.secret == 0 {
			p = w.skip(p)
			continue
		}
		w.take(p[0])
		p = p[1:]
	}
	w.drain(int(w.states[w.at].open))
}

// skip takes what cannot be part of a secret, and one byte more.
func (w *maskStream) skip(p []byte) []byte {
	n := 0
	for n < len(p) && w.first[p[n]] == 0 {
		n++
	}
	w.pending = append(w.pending, p[:n]...)
	if n == len(p) {
		return nil
	}
	w.take(p[n])
	return p[n+1:]
}

func (w *maskStream) take(c byte) {
	w.pending = append(w.pending, c)
	w.at = w.Mask.next(w.at, c)
	s := &w.states[w.at]
	if n := int(s.match); n > 0 {
		w.mark(len(w.pending)-n, len(w.pending))
	}
	if w.secret > 0 && int(s.open) < len(w.pending)-w.from-w.secret {
		w.release()
	}
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
