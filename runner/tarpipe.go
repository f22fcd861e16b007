package runner

import (
	"archive/tar"
	"errors"
	"io"
	"os"
)

// An engine lets the output of a command that has ended be fetched for two
// seconds, and drops what a slow reader has not taken by then, with exit code
// 0 (moby: daemon/monitor.go). So a script that prints a tar ends only when
// its standard input does, which is closed by whoever has the whole tar.

// sendTar is the end of a script: it prints a tar. GNU's leaves out the holes
// of sparse files, which would take an hour for a terabyte.
func sendTar(args string) string {
	return "o=; case $(tar --version 2>/dev/null) in *GNU*) o=--sparse ;; esac\n" +
		"tar $o " + args + " </dev/null || exit\nread -r _\nexit 0\n"
}

// A valve is the standard input of a script that prints a tar.
type valve struct{ script, ours *os.File }

// newValve returns a standard input that begins with text.
func newValve(text string) (v valve, err error) {
	if v.script, v.ours, err = os.Pipe(); err == nil && text != "" {
		go func() { _, _ = io.WriteString(v.ours, text) }() // a script that has ended reads nothing
	}
	return v, err
}

// release lets the script end.
func (v valve) release() { _ = v.ours.Close() }

// A wholeTar reads a tar and knows one that was cut off: archive/tar takes the
// end of the stream between two files for the end of the tar.
type wholeTar struct {
	*tar.Reader
	from *tapped
}

func newWholeTar(r io.Reader) wholeTar {
	from := &tapped{from: r}
	return wholeTar{tar.NewReader(from), from}
}

// Next returns the next entry; io.EOF after the last, or where there is
// nothing at all, and io.ErrUnexpectedEOF where the end of a tar is missing.
func (t wholeTar) Next() (*tar.Header, error) {
	h, err := t.Reader.Next()
	if errors.Is(err, io.EOF) && t.from.some && t.from.over {
		err = io.ErrUnexpectedEOF
	}
	return h, err
}

// A tapped notes whether a reader gave anything, and that it came to its end.
type tapped struct {
	from       io.Reader
	some, over bool
}

func (t *tapped) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	t.some = t.some || n > 0
	t.over = t.over || n == 0 && errors.Is(err, io.EOF)
	return n, err
}
