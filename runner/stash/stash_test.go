package stash

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

// noise is n bytes that nothing compresses, the same for the same seed.
func noise(seed int64, n int) []byte {
	b := make([]byte, n)
	rand.New(rand.NewSource(seed)).Read(b)
	return b
}

func stow(t *testing.T, s *Store, content []byte) Blob {
	t.Helper()
	b, err := s.Put(t.Context(), bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func fetch(t *testing.T, s *Store, id string) ([]byte, error) {
	t.Helper()
	r, err := s.Open(id)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var b bytes.Buffer
	_, err = io.Copy(&b, r)
	return b.Bytes(), err
}

func TestPutAndOpen(t *testing.T) {
	s := New(filepath.Join(t.TempDir(), "new", "stash"))
	for _, size := range []int{0, 1, minChunk - 1, minChunk, minChunk + 1, maxChunk, 3*maxChunk + 17, 20 << 20} {
		content := noise(int64(size), size)
		b := stow(t, s, content)
		if b.Size != int64(size) {
			t.Errorf("%d bytes are said to be %d", size, b.Size)
		}
		got, err := fetch(t, s, b.ID)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes come back as %d, other or with %v", size, len(got), err)
		}
		r, err := s.Open(b.ID)
		if err != nil {
			t.Fatal(err)
		}
		if size <= maxChunk { // it reads byte by byte
			if err := iotest.TestReader(r, content); err != nil {
				t.Errorf("%d bytes: %v", size, err)
			}
		}
		if r.Size() != int64(size) {
			t.Errorf("the reader of %d bytes says %d", size, r.Size())
		}
		r.Close()
	}
}

func TestSeek(t *testing.T) {
	s := New(t.TempDir())
	content := noise(1, 5<<20)
	r, err := s.Open(stow(t, s, content).ID)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, at := range []int64{4 << 20, 0, 100, 5<<20 - 1} {
		if _, err := r.Seek(at, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		want := content[at:min(at+1000, 5<<20)]
		got := make([]byte, len(want))
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("other bytes at %d, or %v", at, err)
		}
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("there is nothing before the beginning")
	}
	var rest bytes.Buffer // what is left, though WriteTo would read ahead
	_, _ = r.Seek(-3, io.SeekEnd)
	if n, err := r.WriteTo(&rest); n != 3 || err != nil {
		t.Errorf("%d bytes are left, %v", n, err)
	}
}

func TestTheSameCostsNothing(t *testing.T) {
	s := New(t.TempDir())
	content := noise(1, 30<<20)
	first := stow(t, s, content)
	if first.New < 30<<20 {
		t.Errorf("noise of 30 MB took %d bytes", first.New)
	}
	if again := stow(t, s, content); again.New != 0 || again.ID != first.ID {
		t.Errorf("the same took %d bytes, as %s", again.New, again.ID)
	}
	changed := slices.Concat(content[:10<<20], []byte("a word that moves the rest"), content[10<<20:])
	if b := stow(t, s, changed); b.New > 3*maxChunk {
		t.Errorf("a word in the middle took %d bytes", b.New)
	}
	if text := stow(t, s, []byte(strings.Repeat("compressible ", 1<<20))); text.New > text.Size/10 {
		t.Errorf("%d bytes of text took %d", text.Size, text.New)
	}
}

func TestDamage(t *testing.T) {
	content := noise(1, 5<<19)
	for name, harm := range map[string]func(file string) error{
		"gone":      os.Remove,
		"cut off":   func(f string) error { return os.Truncate(f, 100) },
		"empty":     func(f string) error { return os.Truncate(f, 0) },
		"one other": func(f string) error { return flip(f) },
	} {
		t.Run(name, func(t *testing.T) {
			s := New(t.TempDir())
			b := stow(t, s, content)
			files, _ := filepath.Glob(filepath.Join(s.dir, "chunks", "*", "*"))
			if len(files) < 4 {
				t.Fatalf("%d files", len(files))
			}
			for _, file := range files { // a chunk, or the manifest
				if err := harm(file); err != nil {
					t.Fatal(err)
				}
				if _, err := fetch(t, s, b.ID); !errors.Is(err, ErrDamaged) {
					t.Fatalf("%s: %v", file, err)
				}
				stow(t, s, content)
				if got, err := fetch(t, s, b.ID); err != nil || !bytes.Equal(got, content) {
					t.Fatalf("%s is not healed by the next Put: %v", file, err)
				}
			}
		})
	}
	s := New(filepath.Join(t.TempDir(), "none"))
	if _, err := s.Open(idOfChunk + strings.Repeat("0", 64)); !errors.Is(err, ErrDamaged) {
		t.Errorf("from a stash that is not there: %v", err)
	}
	if _, err := s.Open("x"); err == nil {
		t.Error("x is no ID")
	}
}

// flip changes a byte in the middle of a file.
func flip(name string) error {
	b, err := os.ReadFile(name)
	if err == nil {
		b[len(b)/2] ^= 1
		err = os.WriteFile(name, b, 0o600)
	}
	return err
}

// these yields IDs.
func these(ids ...string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, id := range ids {
			if !yield(id, nil) {
				return
			}
		}
	}
}

func TestSweep(t *testing.T) {
	s := New(t.TempDir())
	shared := noise(1, 4<<20)
	keep := stow(t, s, shared)
	drop := stow(t, s, append(bytes.Clone(shared), noise(2, 4<<20)...))
	small := stow(t, s, []byte("small"))
	if err := os.WriteFile(filepath.Join(s.dir, "tmp", "chunk-of-the-dead"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	dry, err := s.Sweep(t.Context(), these(keep.ID, small.ID), true)
	if err != nil || dry.Freed == 0 {
		t.Fatalf("%+v, %v", dry, err)
	}
	if _, err := fetch(t, s, drop.ID); err != nil {
		t.Fatalf("a dry sweep removed something: %v", err)
	}
	swept, err := s.Sweep(t.Context(), these(keep.ID, small.ID), false)
	if err != nil || swept != dry {
		t.Errorf("dry %+v, then %+v, %v", dry, swept, err)
	}
	for _, id := range []string{keep.ID, small.ID} {
		if _, err := fetch(t, s, id); err != nil {
			t.Errorf("what is used is gone: %v", err)
		}
	}
	if _, err := fetch(t, s, drop.ID); !errors.Is(err, ErrDamaged) {
		t.Errorf("what nobody uses: %v", err)
	}
	if left, _ := os.ReadDir(filepath.Join(s.dir, "tmp")); len(left) > 0 {
		t.Errorf("%s is left of a dead process", left[0].Name())
	}
	broken := func(yield func(string, error) bool) { yield("", errors.New("no history")) }
	if swept, err := s.Sweep(t.Context(), broken, false); err == nil || swept.Chunks > 0 {
		t.Errorf("%d chunks are gone that somebody may use, %v", swept.Chunks, err)
	}
}

func TestSweepWaits(t *testing.T) {
	s := New(t.TempDir())
	b := stow(t, s, noise(1, 5<<20))
	r, err := s.Open(b.ID)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := New(s.dir).Sweep(ctx, these(), false) // as another process would
		done <- err
	}()
	got, err := io.ReadAll(r)
	if err != nil || len(got) != 5<<20 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("swept while somebody read: %v", err)
	}
	r.Close()
	if swept, err := s.Sweep(t.Context(), these(), false); err != nil || swept.Left != 0 || swept.Chunks == 0 {
		t.Errorf("%+v, %v", swept, err)
	}
}

func TestFitting(t *testing.T) {
	s := New(t.TempDir())
	a := noise(1, 4<<20)
	one, two := stow(t, s, a), stow(t, s, append(bytes.Clone(a), noise(2, 1<<20)...))
	three := stow(t, s, noise(3, 4<<20))
	ids := []string{one.ID, two.ID, three.ID}
	for limit, want := range map[int64]int{0: 0, 4<<20 + 1<<16: 1, 8 << 20: 2, 10 << 20: 3} {
		if n, err := s.Fitting(ids, limit); n != want || err != nil {
			t.Errorf("%d of them fit into %d bytes, %v; want %d", n, limit, err, want)
		}
	}
}

func TestManyPutAtOnce(t *testing.T) {
	dir := t.TempDir()
	content := noise(1, 8<<20)
	var g sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		g.Go(func() { ids[i] = stow(t, New(dir), content).ID })
	}
	g.Wait()
	if got, err := fetch(t, New(dir), ids[0]); err != nil || !bytes.Equal(got, content) {
		t.Error("garbled by many writers", err)
	}
	if slices.Sort(ids); ids[0] != ids[7] {
		t.Error("the same content has several names")
	}
}

func TestPutEnds(t *testing.T) {
	s := New(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	endless := readerFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil
	})
	if _, err := s.Put(ctx, endless); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	cut := io.MultiReader(bytes.NewReader(noise(1, 3<<20)), iotest.ErrReader(io.ErrClosedPipe))
	if _, err := s.Put(t.Context(), cut); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func FuzzManifest(f *testing.F) {
	f.Add([]byte(manifestHead))
	f.Add(encodeManifest([]*ref{{size: 1}, {size: maxChunk}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		refs, err := decodeManifest(b)
		if err != nil {
			return
		}
		pointers := make([]*ref, len(refs))
		for i := range refs {
			pointers[i] = &refs[i]
		}
		again, err := decodeManifest(encodeManifest(pointers))
		if err != nil || !slices.Equal(again, refs) {
			t.Errorf("%v, %v: not what was decoded", again, err)
		}
	})
}

func BenchmarkPut(b *testing.B) {
	content := noise(1, 64<<20)
	for i := range content {
		content[i] &= 0x3f // somewhat compressible
	}
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		if _, err := New(b.TempDir()).Put(b.Context(), bytes.NewReader(content)); err != nil {
			b.Fatal(err)
		}
	}
}
