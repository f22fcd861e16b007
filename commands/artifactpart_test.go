package commands

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/popsicle-ci/popsicle/db"
)

// TestArtifactPart reads the middle of a content, and finds nothing of what
// lies beside it.
func TestArtifactPart(t *testing.T) {
	history, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer history.Close()
	content := make([]byte, 3<<20) // several chunks
	for i := range content {
		content[i] = byte(i * 7 >> (i % 5))
	}
	blob, err := openStash(history).Put(t.Context(), bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	open := artifactOpener(history)
	for _, c := range []struct{ from, size int64 }{{0, 3 << 20}, {5, 0}, {1<<20 - 3, 1 << 20}, {3<<20 - 1, 1}} {
		part, err := open(t.Context(), db.Artifact{Blob: blob.ID, Offset: c.from, Size: c.size})
		if err != nil {
			t.Fatal(err)
		}
		if c.size < 64<<10 {
			err = iotest.TestReader(part, content[c.from:c.from+c.size])
		}
		if err != nil {
			t.Errorf("%+v: %v", c, err)
		}
		_, err = part.Seek(0, io.SeekStart)
		got, err2 := io.ReadAll(part)
		if err = errors.Join(err, err2, part.Close()); err != nil || !bytes.Equal(got, content[c.from:c.from+c.size]) {
			t.Errorf("%+v: %d bytes, %v", c, len(got), err)
		}
	}
	if _, err := open(t.Context(), db.Artifact{Path: "a", Blob: blob.ID[:len(blob.ID)-2] + "00"}); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("content that is not there: %v", err)
	}
}
