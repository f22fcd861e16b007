package runner

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// twoFiles is a tar of two files of a block each.
func twoFiles(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"one", "two"} {
		err := errors.Join(w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: 512}), func() error { _, err := w.Write(make([]byte, 512)); return err }())
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWholeTarKnowsWhatWasCutOff(t *testing.T) {
	whole := twoFiles(t)
	for name, c := range map[string]struct {
		bytes int
		files int
		want  error
	}{
		"nothing at all":    {0, 0, io.EOF},
		"between two files": {1024, 1, io.ErrUnexpectedEOF},
		"after the last":    {2048, 2, io.ErrUnexpectedEOF},
		"in a file":         {1536 + 100, 2, io.ErrUnexpectedEOF},
		"whole":             {len(whole), 2, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			in := newWholeTar(bytes.NewReader(whole[:c.bytes]))
			files := 0
			_, err := in.Next()
			for ; err == nil; _, err = in.Next() {
				files++
			}
			if files != c.files || !errors.Is(err, c.want) {
				t.Errorf("%d files, then %v; want %d, then %v", files, err, c.files, c.want)
			}
		})
	}
}

// TestTarWaitsForItsReader reads a tar and only then lets its script end:
// before, an engine would drop what a slow reader has not taken.
func TestTarWaitsForItsReader(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	hold, err := newValve("")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", sendTar("-cf - file"))
	cmd.Dir, cmd.Stdin = dir, hold.script
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	in := newWholeTar(out)
	for err = nil; err == nil; _, err = in.Next() {
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	rest, _ := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	defer rest.Close()
	go func() {
		_, _ = io.Copy(rest, out)
		ended <- cmd.Wait()
	}()
	select {
	case err := <-ended:
		t.Fatalf("it ended before it was released: %v", err)
	default:
	}
	hold.release()
	_ = hold.script.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
