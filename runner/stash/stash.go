// Package stash keeps streams of bytes on this host: caches, layers of
// workspaces, artifacts. A stream is cut where its content says so, and each
// chunk is kept once, compressed, under the name of its SHA-256: what two
// streams have in common costs its room once, whoever put it there.
//
// A stash is a folder that every popsicle process of a user shares. It knows
// what it holds but not what for: who puts something remembers its ID, and
// Sweep removes what nobody remembers.
package stash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"
)

// ErrDamaged is wrapped by errors about content that is gone, or is no longer
// what was put there. What is damaged is removed when it is noticed, so that
// the next Put writes it anew.
var ErrDamaged = errors.New("not in the stash as it was put there")

// A Store is a stash in a folder. Its methods may be called from many
// goroutines and processes at once.
type Store struct {
	dir     string
	workers int

	opening  sync.Once
	encoder  *zstd.Encoder
	decoder  *zstd.Decoder
	openErr  error
	buffers  sync.Pool // of *[]byte, maxChunk long
	scanners sync.Pool // of *[]byte, for the chunker
}

// New returns the stash in a folder, which is made when something is put.
func New(dir string) *Store {
	s := &Store{dir: dir, workers: max(2, runtime.GOMAXPROCS(0))}
	s.buffers.New = func() any { b := make([]byte, maxChunk); return &b }
	s.scanners.New = func() any { b := make([]byte, 2*maxChunk); return &b }
	return s
}

// open makes what compresses, at the first use: most runs need none.
func (s *Store) open() error {
	s.opening.Do(func() {
		// The name of a chunk is a better checksum than zstd's own. A window
		// is never longer than a chunk.
		s.encoder, s.openErr = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false),
			zstd.WithEncoderConcurrency(s.workers), zstd.WithWindowSize(maxChunk), zstd.WithLowerEncoderMem(true))
		if s.openErr == nil {
			s.decoder, s.openErr = zstd.NewReader(nil, zstd.WithDecoderConcurrency(s.workers), zstd.WithDecoderMaxMemory(maxManifest))
		}
	})
	return s.openErr
}

// A Blob is a stream that was put into the stash.
type Blob struct {
	ID   string // names the content, and is the same for the same content
	Size int64  // of the stream, in bytes
	New  int64  // bytes on the disk that this Put added: what was there already costs nothing
}

// Put keeps a stream. Whoever puts something and then writes the ID down holds
// the stash from before until after, see Hold: nothing else keeps a Sweep of
// another process away.
//
// No chunk waits for the disk: after a power cut the newest may be gone, which
// Open notices, and the content is damaged, never wrong.
func (s *Store) Put(ctx context.Context, r io.Reader) (Blob, error) {
	if err := s.open(); err != nil {
		return Blob{}, err
	}
	release, err := s.Hold(ctx)
	if err != nil {
		return Blob{}, err
	}
	defer release()
	p := &put{store: s}
	if err := p.all(ctx, r); err != nil {
		return Blob{}, err
	}
	id, err := p.name()
	return Blob{ID: id, Size: p.size, New: p.added.Load()}, err
}

// A put is one stream on its way into the stash.
type put struct {
	store *Store
	refs  []*ref // in order; a worker fills in the sum
	size  int64
	added atomic.Int64
}

// all cuts the stream here and lets each chunk be hashed, compressed and
// written on a core of its own.
func (p *put) all(ctx context.Context, r io.Reader) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(p.store.workers) // and with it the memory
	err := p.store.cut(r, func(chunk []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		buf := p.store.buffers.Get().(*[]byte)
		part := &ref{size: copy(*buf, chunk)}
		p.refs = append(p.refs, part)
		p.size += int64(part.size)
		g.Go(func() error {
			defer p.store.buffers.Put(buf)
			return p.keep(part, (*buf)[:part.size])
		})
		return nil
	})
	if waited := g.Wait(); waited != nil {
		return waited // what went wrong with a chunk ended the cutting too
	}
	return err
}

func (p *put) keep(part *ref, chunk []byte) error {
	sum, added, err := p.store.writeChunk(chunk)
	part.sum = sum
	p.added.Add(added)
	return err
}

// name returns the ID: that of the only chunk, or that of the list of them,
// which is itself kept as a chunk.
func (p *put) name() (string, error) {
	if len(p.refs) == 1 {
		return idOfChunk + p.refs[0].sum.String(), nil
	}
	sum, added, err := p.store.writeChunk(encodeManifest(p.refs))
	p.added.Add(added)
	return idOfManifest + sum.String(), err
}

// The letters that IDs begin with.
const (
	idOfChunk    = "c"
	idOfManifest = "m"
)

// parseID takes an ID apart.
func parseID(id string) (sum digest, single bool, err error) {
	if len(id) == 0 || id[:1] != idOfChunk && id[:1] != idOfManifest {
		return sum, false, fmt.Errorf("stash: %q is no ID of content", id)
	}
	sum, err = parseDigest(id[1:])
	return sum, id[:1] == idOfChunk, err
}

// mkdir makes a folder of the stash, for its owner alone.
func (s *Store) mkdir(name string) error {
	return os.MkdirAll(filepath.Join(s.dir, name), 0o700)
}
