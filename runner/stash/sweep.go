package stash

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Hold keeps Sweep away until release is called: from before something is put
// until after its ID is written down, and while something is read. Many may
// hold a stash at once, in many processes; the kernel ends the hold of one
// that dies.
func (s *Store) Hold(ctx context.Context) (release func(), err error) {
	if err := s.mkdir(""); err != nil {
		return nil, err
	}
	lock := s.lock()
	if _, err := lock.TryRLockContext(ctx, lockPoll); err != nil {
		return nil, fmt.Errorf("%s: %w", lock.Path(), err)
	}
	return func() { _ = lock.Unlock() }, nil // the end of the process does it else
}

// holdIfThere is Hold that does not make the folder.
func (s *Store) holdIfThere() (release func(), err error) {
	if _, err := os.Stat(s.dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", s.dir, ErrDamaged)
	}
	return s.Hold(context.Background()) // a sweep takes a second or two
}

// lockPoll is how often one asks for the lock.
const lockPoll = 5 * time.Millisecond

func (s *Store) lock() *flock.Flock {
	return flock.New(filepath.Join(s.dir, "lock"), flock.SetPermissions(0o600))
}

// ErrBusy says that the stash was in use for as long as a Sweep would wait.
var ErrBusy = errors.New("the stash is in use")

// sweepPatience is how long a Sweep waits for those who hold the stash.
const sweepPatience = 5 * time.Second

// A Swept is what a Sweep removed, and what it left.
type Swept struct {
	Chunks int   // removed
	Freed  int64 // bytes on the disk, removed
	Left   int64 // bytes on the disk, still there
}

// Sweep removes what is in the stash and not among the IDs that live yields.
// live is asked once nobody holds the stash; an error that it yields ends the
// sweep before anything is removed. With dry, nothing is.
func (s *Store) Sweep(ctx context.Context, live iter.Seq2[string, error], dry bool) (swept Swept, err error) {
	if _, err := os.Stat(s.dir); errors.Is(err, fs.ErrNotExist) {
		return Swept{}, nil
	}
	wait, cancel := context.WithTimeout(ctx, sweepPatience)
	defer cancel()
	lock := s.lock()
	if _, err := lock.TryLockContext(wait, lockPoll); err != nil {
		if ctx.Err() == nil && wait.Err() != nil {
			err = ErrBusy
		}
		return Swept{}, fmt.Errorf("%s: %w", lock.Path(), err)
	}
	defer func() { _ = lock.Unlock() }()
	used, err := s.mark(live)
	if err != nil {
		return Swept{}, err
	}
	if !dry { // nobody is writing: what is here, a dead process left
		err = os.RemoveAll(filepath.Join(s.dir, "tmp"))
	}
	return swept, errors.Join(err, s.eachChunk(ctx, func(d digest, name string, size int64) error {
		if used[d] {
			swept.Left += size
			return nil
		}
		swept.Chunks++
		swept.Freed += size
		if dry {
			return nil
		}
		return os.Remove(name)
	}))
}

// mark returns the chunks of all that live yields.
func (s *Store) mark(live iter.Seq2[string, error]) (map[digest]bool, error) {
	used := map[digest]bool{}
	for id, err := range live {
		if err != nil {
			return nil, err
		}
		sum, _, err := parseID(id)
		if err != nil {
			return nil, err
		}
		used[sum] = true
		refs, err := s.refs(id)
		if err != nil && !errors.Is(err, ErrDamaged) { // of what is damaged nothing can be used
			return nil, err
		}
		for _, r := range refs {
			used[r.sum] = true
		}
	}
	return used, nil
}

// eachChunk calls f with every chunk on the disk.
func (s *Store) eachChunk(ctx context.Context, f func(d digest, name string, size int64) error) error {
	dirs, err := os.ReadDir(filepath.Join(s.dir, "chunks"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, d := range dirs {
		dir := filepath.Join(s.dir, "chunks", d.Name())
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			d, err := parseDigest(e.Name())
			info, infoErr := e.Info()
			if err != nil || infoErr != nil {
				continue // not a file of ours, or gone meanwhile
			}
			if err := f(d, filepath.Join(dir, e.Name()), info.Size()); err != nil {
				return err
			}
		}
	}
	return nil
}

// Fitting returns how many of the IDs, from the first on, fit into limit bytes
// on the disk together: what they have in common counts once.
func (s *Store) Fitting(ids []string, limit int64) (int, error) {
	seen := map[digest]bool{}
	for n, id := range ids {
		sum, _, err := parseID(id)
		if err != nil {
			return 0, err
		}
		refs, err := s.refs(id)
		if err != nil && !errors.Is(err, ErrDamaged) {
			return 0, err
		}
		for _, r := range append(refs, ref{sum: sum}) {
			if seen[r.sum] {
				continue
			}
			seen[r.sum] = true
			if info, err := os.Stat(s.chunkFile(r.sum)); err == nil {
				limit -= info.Size()
			}
		}
		if limit < 0 {
			return n, nil
		}
	}
	return len(ids), nil
}
