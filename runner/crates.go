package runner

import (
	"context"
	"errors"
	"hash/maphash"
	"io"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// Many artifacts lie in one content of the stash, one after the other: a
// hundred thousand small files are fifty contents. That is also how they are
// said.
const (
	crateFiles = 2000
	crateBytes = 64 << 20
)

// crates puts a harvest into the stash: it reads as the content of one crate
// after the other.
type crates struct {
	*harvest
	place func(grown) string

	file   grown  // that is being read
	called string // as an artifact
	over   bool   // there is no other
	scan   *Scan
	crate  event.ArtifactsStored

	files    int
	bytes    int64
	tooLarge []string
	long     int // paths that no program can open
	secrets  []exposed

	seed  maphash.Seed
	twins map[uint64]spot // where each file lies, by a hash of its name: a million names would fill the memory
	blobs []string        // of the crates
	later []event.Artifact
	in    []int // the crates of later
}

// exposed is an artifact that holds secrets of variables.
type exposed struct {
	name      string
	variables []string
}

// A spot is where a file lies.
type spot struct {
	crate        int
	offset, size int64
}

// mostExposed is how many artifacts with secrets are named.
const mostExposed = 20

// all stores everything, and says it.
func (c *crates) all(ctx context.Context) error {
	more, err := c.advance()
	for more && err == nil {
		blob, err := c.job.runner.Stash.Put(ctx, c)
		if err != nil {
			return err
		}
		c.crate.At, c.crate.Blob, c.crate.Bytes = c.job.at, blob.ID, blob.Size
		c.job.runner.Out.Emit(c.crate)
		c.blobs, c.crate = append(c.blobs, blob.ID), event.ArtifactsStored{}
		more = !c.over
	}
	if err != nil {
		return err
	}
	c.twinned()
	return nil
}

// advance goes to the next file that has content of its own, and says whether
// there is one.
func (c *crates) advance() (bool, error) {
	for {
		g, err := c.next()
		if errors.Is(err, io.EOF) {
			c.over = true
			return false, nil
		}
		if err != nil {
			return false, err
		}
		name := c.place(g)
		switch {
		case g.twin != "":
			c.twin(g, name)
		case len(name) > longestName:
			c.long++
		case g.size > largestArtifact:
			c.tooLarge = append(c.tooLarge, name)
		default:
			c.file, c.called = g, name
			c.scan = c.job.runner.Mask.Scan()
			return true, nil
		}
	}
}

// Read reads the crate that is being filled.
func (c *crates) Read(p []byte) (int, error) {
	for {
		if full := len(c.crate.Files) >= crateFiles || c.crate.Bytes >= crateBytes; full && c.begins() {
			return 0, io.EOF
		}
		n, err := c.harvest.Read(p)
		if n > 0 {
			c.crate.Bytes += int64(n)
			_, _ = c.scan.Write(p[:n]) // never fails
			return n, nil
		}
		if !errors.Is(err, io.EOF) {
			if err == nil {
				continue
			}
			return 0, c.broken(err)
		}
		c.finish()
		more, err := c.advance()
		if err != nil {
			return 0, err
		}
		if !more {
			return 0, io.EOF
		}
	}
}

// begins says whether nothing of the file was read yet.
func (c *crates) begins() bool { return c.crate.Bytes == c.offset() }

// offset is where the file begins in its crate.
func (c *crates) offset() int64 {
	if n := len(c.crate.Files); n > 0 {
		last := c.crate.Files[n-1]
		return last.Offset + last.Size
	}
	return 0
}

// broken explains a tar that ends within a file.
func (c *crates) broken(err error) error {
	if why := c.end(err); why != nil {
		return why
	}
	return err
}

// finish puts the file that was read on the list of its crate.
func (c *crates) finish() {
	at := c.offset()
	c.twins[maphash.String(c.seed, c.file.name)] = spot{len(c.blobs), at, c.file.size}
	c.crate.Files = append(c.crate.Files, event.Artifact{Path: c.called, Size: c.file.size, Offset: at})
	c.files++
	c.bytes += c.file.size
	if found := c.scan.Found(); len(found) > 0 && len(c.secrets) < mostExposed {
		c.secrets = append(c.secrets, exposed{c.called, found})
	}
}

// twin notes a hard link: its content is in a crate already, or in the one
// that is being filled and has no name yet.
func (c *crates) twin(g grown, name string) {
	s, ok := c.twins[maphash.String(c.seed, g.twin)]
	if !ok {
		c.odd++
		return
	}
	c.later = append(c.later, event.Artifact{Path: name, Size: s.size, Offset: s.offset})
	c.in = append(c.in, s.crate)
	c.files++
	c.bytes += s.size
}

// twinned says the hard links.
func (c *crates) twinned() {
	for from := 0; from < len(c.later); {
		to := from + 1
		for to < len(c.later) && c.in[to] == c.in[from] && to-from < crateFiles {
			to++
		}
		c.job.runner.Out.Emit(event.ArtifactsStored{At: c.job.at, Blob: c.blobs[c.in[from]], Files: c.later[from:to]})
		from = to
	}
}
