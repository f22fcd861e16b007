package gitops

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

var (
	blob1 = strings.Repeat("1", 40)
	blob2 = strings.Repeat("2", 64)
)

// file is a file of a manifest in a test.
func file(path string, mode Mode, blob string, size int64) File {
	return File{Path: path, Mode: mode, Blob: blob, Size: size, ModTime: time.Unix(1_700_000_000, 0)}
}

func encoded(t testing.TB, m Manifest) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestManifestRoundTrip(t *testing.T) {
	for _, m := range []Manifest{
		{Hash: blob1},
		{Hash: blob2, Files: []File{file("a", Regular, blob1, 0), file("a/b", Executable, blob2, 1<<40), file("a/c\n", Symlink, blob1, 3), file("\xff", Submodule, blob1, 0)}},
	} {
		got, err := DecodeManifest(iotest.OneByteReader(bytes.NewReader(encoded(t, m))))
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func TestManifestIsSmall(t *testing.T) {
	m := Manifest{Hash: blob1}
	for i := range 1000 {
		m.Files = append(m.Files, file(fmt.Sprintf("src/pkg/mod%03d/file.dat", i), Regular, blob1, 4000))
	}
	if n := len(encoded(t, m)); n > 45_000 {
		t.Errorf("1000 files take %d bytes", n)
	}
}

func TestDamagedManifests(t *testing.T) {
	good := encoded(t, Manifest{Hash: blob1, Files: []File{file("a", Regular, blob1, 1), file("b/c", Regular, blob1, 2)}})
	for n := range good {
		if _, err := DecodeManifest(bytes.NewReader(good[:n])); !errors.Is(err, ErrManifest) {
			t.Errorf("%d bytes: %v", n, err)
		}
		bad := slices.Clone(good)
		bad[n] ^= 1
		if _, err := DecodeManifest(bytes.NewReader(bad)); !errors.Is(err, ErrManifest) {
			t.Errorf("byte %d changed: %v", n, err)
		}
	}
	for _, path := range []string{"", "/abs", "../up", "a/../b", "a//b", ".git/config", "a/.GIT/x", "nul\x00"} {
		if _, err := DecodeManifest(bytes.NewReader(encoded(t, Manifest{Hash: blob1, Files: []File{file(path, Regular, blob1, 1)}}))); !errors.Is(err, ErrManifest) {
			t.Errorf("%q: %v", path, err)
		}
	}
	if _, err := DecodeManifest(iotest.ErrReader(io.ErrNoProgress)); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader's own error: %v", err)
	}
	if err := (Manifest{Hash: "xyz"}).Encode(io.Discard); err == nil {
		t.Error("encoded a hash that is none")
	}
}

func FuzzDecodeManifest(f *testing.F) {
	f.Add(encoded(f, Manifest{Hash: blob1, Files: []File{file("a", Regular, blob1, 1), file("b/c", Symlink, blob2, 2)}}))
	f.Add([]byte(manifestMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := DecodeManifest(bytes.NewReader(data))
		if err != nil {
			return
		}
		again, err := DecodeManifest(bytes.NewReader(encoded(t, m)))
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%+v became %+v, %v", m, again, err)
		}
	})
}

func TestSince(t *testing.T) {
	base := Manifest{Files: []File{file("a", Regular, blob1, 1), file("d/x", Regular, blob1, 1), file("d/y", Regular, blob1, 1), file("gone/deep/1", Regular, blob1, 1),
		file("gone/deep/2", Regular, blob1, 1), file("keep/new/1", Regular, blob1, 1), file("run", Regular, blob1, 1), file("same-size", Regular, blob1, 1), file("sub", Submodule, blob1, 0), file("swap", Regular, blob1, 1), file("wide", Regular, blob1, 1)}}
	younger := file("a", Regular, blob1, 1)
	younger.ModTime = younger.ModTime.Add(time.Hour)
	tree := &Tree{Files: []File{younger, file("d", Symlink, blob1, 1), file("keep/1", Executable, blob1, 1), file("run", Executable, blob1, 1), file("same-size", Regular, blob2, 1), file("sub", Regular, blob1, 0),
		file("swap/in", Regular, blob1, 1), file("wide", Regular, blob1, 2)}}
	changed, deleted := tree.Since(base)
	if got, want := paths(changed), []string{"d", "keep/1", "run", "same-size", "sub", "swap/in", "wide"}; !slices.Equal(got, want) {
		t.Errorf("changed %q, want %q", got, want)
	}
	if want := []string{"d", "gone", "keep/new", "sub", "swap"}; !slices.Equal(deleted, want) {
		t.Errorf("deleted %q, want %q", deleted, want)
	}
	if changed, deleted := tree.Since(tree.Manifest()); len(changed)+len(deleted) > 0 {
		t.Errorf("against itself: %q, %q", paths(changed), deleted)
	}
}
