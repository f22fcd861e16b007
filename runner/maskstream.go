package runner

// A maskStream masks one stream, wherever its writes are cut. It holds back
// no more than the beginning of a secret.
type maskStream struct {
	*Mask
	out     func([]byte) // the bytes are only lent
	at      int32
	pending []byte // seen and not yet let out
	secrets []span // of pending, in order and apart
	clean   []byte // what is being let out
}

// A span is a part of the pending bytes.
type span struct{ from, to int }

func (m *Mask) stream(out func([]byte)) *maskStream {
	return &maskStream{Mask: m, out: out}
}

// Write masks the next piece of the stream.
func (w *maskStream) Write(p []byte) {
	if w.empty() {
		w.out(p)
		return
	}
	begin := 0
	for i := 0; i < len(p); {
		if w.at == 0 {
			n := w.candidate(p[i:])
			w.pending = append(w.pending, p[i:i+n]...)
			i += n
			if begin = i; i == len(p) {
				break
			}
		}
		w.take(p[i])
		i++
		if open := int(w.states[w.at].open); open < shortest && i-open > begin {
			// No more than chance: back to the filter.
			w.pending = w.pending[:len(w.pending)-open]
			w.at, i = 0, i-open
		}
	}
	w.drain(int(w.states[w.at].open))
}

// take takes one byte. Secrets that overlap become one.
func (w *maskStream) take(c byte) {
	w.pending = append(w.pending, c)
	w.at = w.next(w.at, c)
	n := int(w.states[w.at].match)
	if n == 0 {
		return
	}
	found := span{len(w.pending) - n, len(w.pending)}
	last := len(w.secrets) - 1
	for ; last >= 0 && w.secrets[last].to > found.from; last-- {
		found.from = min(found.from, w.secrets[last].from)
		found.to = max(found.to, w.secrets[last].to)
	}
	w.secrets = append(w.secrets[:last+1], found)
}

// drain lets out all but the last keep bytes, which may become a secret, and
// a secret before them that may still grow.
func (w *maskStream) drain(keep int) {
	end, at, done := len(w.pending)-keep, 0, 0
	w.clean = w.clean[:0]
	for _, s := range w.secrets {
		if s.to > end {
			end = min(end, s.from)
			break
		}
		w.clean = append(append(w.clean, w.pending[at:s.from]...), masked...)
		at = s.to
		done++
	}
	w.clean = append(w.clean, w.pending[at:end]...)
	if end == 0 {
		return
	}
	w.pending = append(w.pending[:0], w.pending[end:]...)
	w.secrets = append(w.secrets[:0], w.secrets[done:]...)
	for i := range w.secrets {
		w.secrets[i].from -= end
		w.secrets[i].to -= end
	}
	if len(w.clean) > 0 {
		w.out(w.clean)
	}
}

// Flush lets out what is held back, at the end of the stream.
func (w *maskStream) Flush() {
	w.drain(0)
	w.at = 0
}
