package commands

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/stash"
)

// artifactOpener gives a server the bytes of artifacts, out of the stash
// beside its history.
func artifactOpener(history *db.DB) func(context.Context, db.Artifact) (io.ReadSeekCloser, error) {
	store := openStash(history)
	return func(_ context.Context, a db.Artifact) (io.ReadSeekCloser, error) {
		r, err := store.Open(a.Blob)
		if errors.Is(err, stash.ErrDamaged) {
			return nil, fmt.Errorf("artifact %s of job %d: its content is gone (%w): run the pipeline again to have it", a.Path, a.JobID, db.ErrNotFound)
		}
		if err != nil {
			return nil, err
		}
		return &artifactPart{content: r, from: a.Offset, size: a.Size}, nil
	}
}

// An artifactPart is the part of a content that is one artifact.
type artifactPart struct {
	content    *stash.Reader
	from, size int64
	at         int64 // how far it was read
}

// Close lets go of the content.
func (p *artifactPart) Close() error { return p.content.Close() }

// Seek goes to a byte of the artifact.
func (p *artifactPart) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += p.at
	case io.SeekEnd:
		offset += p.size
	}
	if offset < 0 {
		return 0, errors.New("a place before the artifact")
	}
	p.at = offset
	return offset, nil
}

// Read reads on, up to the end of the artifact.
func (p *artifactPart) Read(b []byte) (int, error) {
	if p.at >= p.size {
		return 0, io.EOF
	}
	if _, err := p.content.Seek(p.from+p.at, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := p.content.Read(b[:min(int64(len(b)), p.size-p.at)])
	p.at += int64(n)
	return n, err
}
