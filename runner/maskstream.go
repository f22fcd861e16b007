package runner

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
	if w.empty() {
		w.out(p)
		return
	}
	begin := 0
	for i := 0; i < len(p); {
		if w.at == 0 && w.secret == 0 {
			n := w.candidate(p[i:])
			w.pending = append(w.pending, p[i:i+n]...)
			i += n
			if begin = i; i == len(p) {
				break
			}
		}
		w.take(p[i])
		i++
		if open := int(w.states[w.at].open); w.secret == 0 && open < shortest && i-open > begin {
			// No more than chance: back to the filter.
			w.pending = w.pending[:len(w.pending)-open]
			w.at, i = 0, i-open
		}
	}
	w.drain(int(w.states[w.at].open))
}

func (w *maskStream) take(c byte) {
	w.pending = append(w.pending, c)
	w.at = w.next(w.at, c)
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
