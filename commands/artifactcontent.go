package commands

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/stash"
)

// A content has the bytes of artifacts: the stash of this machine, or a
// daemon.
type content interface {
	copy(w io.Writer, a db.Artifact) error
	close()
}

// contentOf is where the artifacts of a history are.
func contentOf(ctx context.Context, history archive) content {
	switch history := history.(type) {
	case *remote:
		return &remoteContent{ctx, history}
	case *db.DB:
		return &blobReader{store: openStash(history)}
	}
	panic("no history has such artifacts")
}

// copy writes the bytes of an artifact.
func (b *blobReader) copy(w io.Writer, a db.Artifact) error {
	content, err := b.open(a.Blob)
	if err == nil {
		_, err = content.Seek(a.Offset, io.SeekStart)
	}
	if err == nil {
		_, err = io.CopyN(w, content, a.Size)
	}
	if errors.Is(err, stash.ErrDamaged) {
		return fmt.Errorf("artifact %s of %s: %w: run the pipeline again to have it", a.Path, a.Job, err)
	}
	return err
}

// A blobReader keeps the content open that was read last.
type blobReader struct {
	store *stash.Store
	blob  string
	at    *stash.Reader
}

func (b *blobReader) open(blob string) (*stash.Reader, error) {
	if b.at != nil && b.blob == blob {
		return b.at, nil
	}
	b.close()
	var err error
	b.at, err = b.store.Open(blob)
	b.blob = blob
	return b.at, err
}

func (b *blobReader) close() {
	if b.at != nil {
		_ = b.at.Close() // it was only read
	}
	b.at = nil
}
