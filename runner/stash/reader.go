package stash

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sort"
)

// A Reader reads what was put into the stash, from any place in it. It is for
// one goroutine. It holds the stash until it is closed, so that nothing it
// reads is swept away under it.
type Reader struct {
	store   *Store
	refs    []ref
	ends    []int64 // by chunk: where it ends in the stream
	release func()

	at    int64
	chunk []byte // the one that was read last
	which int    // its number; -1: none
}

// Open opens what has an ID. Where a part of it is missing the error wraps
// ErrDamaged, before anything is read.
func (s *Store) Open(id string) (*Reader, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	release, err := s.holdIfThere()
	if err != nil {
		return nil, err
	}
	r := &Reader{store: s, release: release, which: -1}
	if err := r.load(id); err != nil {
		release()
		return nil, err
	}
	return r, nil
}

func (r *Reader) load(id string) (err error) {
	if r.refs, err = r.store.refs(id); err != nil {
		return err
	}
	if len(r.refs) == 1 && r.refs[0].size < 0 {
		if r.chunk, err = r.store.readChunk(r.refs[0].sum, nil); err != nil {
			return err
		}
		r.refs[0].size, r.which = len(r.chunk), 0
	}
	end := int64(0)
	for i, ref := range r.refs {
		end += int64(ref.size)
		r.ends = append(r.ends, end)
		if i == r.which {
			continue
		}
		name := r.store.chunkFile(ref.sum)
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", name, ErrDamaged)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// Size is that of the whole stream, in bytes.
func (r *Reader) Size() int64 {
	if len(r.ends) == 0 {
		return 0
	}
	return r.ends[len(r.ends)-1]
}

// Close lets go of the stash.
func (r *Reader) Close() error {
	r.release()
	r.release = func() {}
	return nil
}

// Read reads on from where the last Read or Seek ended.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.at >= r.Size() {
		return 0, io.EOF
	}
	i := sort.Search(len(r.ends), func(i int) bool { return r.ends[i] > r.at })
	if i != r.which {
		chunk, err := r.store.readChunk(r.refs[i].sum, r.chunk)
		if err == nil && len(chunk) != r.refs[i].size {
			err = fmt.Errorf("chunk %s has another size: %w", r.refs[i].sum, ErrDamaged)
		}
		if err != nil {
			r.which = -1
			return 0, err
		}
		r.chunk, r.which = chunk, i
	}
	n := copy(p, r.chunk[len(r.chunk)-int(r.ends[i]-r.at):])
	r.at += int64(n)
	return n, nil
}

// Seek sets where the next Read begins.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.Size()
	}
	if offset < 0 {
		return 0, errors.New("stash: a place before the beginning")
	}
	r.at = offset
	return offset, nil
}

// ahead is how many chunks WriteTo reads and decompresses before they are
// wanted: as many as there are workers would only cost memory.
const ahead = 3

// WriteTo writes the rest of the stream, and reads ahead of the writing.
func (r *Reader) WriteTo(w io.Writer) (written int64, err error) {
	if r.which >= 0 || r.at > 0 || len(r.refs) < 2 {
		return io.Copy(w, onlyReader{r}) // of a small one nothing can be ahead
	}
	type result struct {
		chunk []byte
		buf   *[]byte
		err   error
	}
	queue := make(chan chan result, ahead)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer close(queue)
		for _, ref := range r.refs {
			one := make(chan result, 1)
			select {
			case queue <- one:
			case <-stop:
				return
			}
			go func() {
				buf := r.store.buffers.Get().(*[]byte)
				chunk, err := r.store.readChunk(ref.sum, *buf)
				if err == nil && len(chunk) != ref.size {
					err = fmt.Errorf("chunk %s has another size: %w", ref.sum, ErrDamaged)
				}
				one <- result{chunk, buf, err}
			}()
		}
	}()
	for one := range queue {
		got := <-one
		if got.err == nil {
			var n int
			n, got.err = w.Write(got.chunk)
			written += int64(n)
		}
		r.store.buffers.Put(got.buf)
		if got.err != nil {
			return written, got.err
		}
	}
	r.at = r.Size()
	return written, nil
}

// onlyReader hides WriteTo from io.Copy.
type onlyReader struct{ io.Reader }
