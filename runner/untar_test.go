package runner

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tarOf makes a tar of one file of some size.
func tarOf(t testing.TB, name string, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	content := bytes.Repeat([]byte("0123456789abcde\n"), size/16+1)[:size]
	for _, err := range []error{
		w.WriteHeader(&tar.Header{Name: name, Mode: 0o640, Size: int64(size), ModTime: time.Unix(1e9, 0)}),
		func() error { _, err := w.Write(content); return err }(),
		w.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestUntar(t *testing.T) {
	const head, tail = 512, 1024 // of a tar of one file
	sizes := []int{
		0, 1, 5000,
		blockSize - head - tail, blockSize - head - tail + 512, // one block exactly, and one record more
		3*blockSize - head - tail,
		chunkSize - head - tail, chunkSize - head - tail + 512, // a chunk, and more
	}
	eachShell(t, func(t *testing.T, c *talk) {
		dir := filepath.Join(t.TempDir(), "a new folder")
		for i, size := range sizes {
			name := fmt.Sprintf("file %d", i)
			err := c.untar(t.Context(), dir, func(w io.Writer) error { _, err := w.Write(tarOf(t, name, size)); return err })
			if err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || info.Size() != int64(size) || info.Mode().Perm() != 0o640 {
				t.Errorf("%d bytes: %v, %v", size, info, err)
			}
			if out, code := c.run(i+2, "echo works"); out != "works\n" || code != 0 {
				t.Errorf("after %d bytes: %d, %q", size, code, out)
			}
		}
	})
}

func TestUntarThatFails(t *testing.T) {
	eachShell(t, func(t *testing.T, c *talk) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		send := func(p []byte) func(io.Writer) error {
			return func(w io.Writer) error { _, err := w.Write(p); return err }
		}
		if err := c.untar(t.Context(), file, send(tarOf(t, "x", 1<<20))); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("into a file: %v", err)
		}
		if err := c.untar(t.Context(), t.TempDir(), send(bytes.Repeat([]byte("no tar "), 100_000))); err == nil {
			t.Error("of what is no tar: no error")
		}
		if out, code := c.run(2, "echo works"); out != "works\n" || code != 0 {
			t.Errorf("afterwards: %d, %q", code, out)
		}
	})
}

// Bytes of a tar that no dd takes would be read as frames.
func TestUntarWithoutDD(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"id", "uname", "mkdir", "cat", "tar"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	dash, err := exec.LookPath("dash")
	if err != nil {
		t.Skip("SKIPPED: no dash on this host")
	}
	c := newTalk(t, []string{dash}, "PATH="+bin)
	if c.hello.Tar {
		t.Error("the driver says that it can unpack")
	}
	// The shell ends alone, where no container ends with it: what is left of it
	// must not make a folder that the test has removed.
	err = c.untar(t.Context(), "/dev/null/nowhere", func(w io.Writer) error {
		_, err := io.WriteString(w, "step 2 touch\nput x 1\nbad\n")
		return err
	})
	if !errors.Is(err, errEnded) {
		t.Errorf("untar: %v", err)
	}
	<-c.dead
}

// A container that is stuck must not keep popsicle from ending.
func TestUntarIsCanceledInTheMiddleOfAWrite(t *testing.T) {
	in, stdin, err := os.Pipe() // nobody reads it
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	stdout, out := io.Pipe()
	s := newSession(wire{stdin, stdout, func() error { return nil }}, func(int, []byte) {})
	ctx, cancel := context.WithCancel(t.Context())
	err = s.untar(ctx, "/x", func(w io.Writer) error {
		cancel()
		_, err := w.Write(make([]byte, 2*chunkSize))
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("untar: %v", err)
	}
	_ = out.Close()
	<-s.ended
}

// What is cut into chunks comes out whole, in blocks that are full.
func FuzzChunks(f *testing.F) {
	f.Add(uint32(1), uint16(1))
	f.Add(uint32(blockSize), uint16(512))
	f.Add(uint32(chunkSize), uint16(65535))
	f.Fuzz(func(t *testing.T, size uint32, piece uint16) {
		data := make([]byte, size%(3*chunkSize))
		for i := range data {
			data[i] = byte(i>>8 ^ i)
		}
		var b bytes.Buffer
		w := &chunks{to: &b}
		for rest := data; len(rest) > 0; {
			n := min(len(rest), 1+int(piece))
			if _, err := w.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
		var got []byte
		for {
			var blocks int
			if _, err := fmt.Fscanf(&b, "%d\n", &blocks); err != nil {
				t.Fatal(err)
			}
			if blocks == 0 {
				break
			}
			if blocks < 0 || blocks > chunkSize/blockSize || b.Len() < blocks*blockSize {
				t.Fatalf("%d blocks, %d bytes left", blocks, b.Len())
			}
			got = append(got, b.Next(blocks*blockSize)...)
		}
		if b.Len() > 0 || !bytes.HasPrefix(got, data) || len(got)-len(data) >= blockSize || len(bytes.Trim(got[len(data):], "\x00")) > 0 {
			t.Fatalf("%d bytes became %d, with %d left", len(data), len(got), b.Len())
		}
	})
}
