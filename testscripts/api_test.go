package testscripts

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/stash"
	"github.com/popsicle-ci/popsicle/server"
)

// api serves the script's history on the loopback device until it ends, and
// puts the address into a variable:
//
//	api VARIABLE
func api(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: api VARIABLE")
	}
	history, err := db.Open(context.Background(), filepath.Join(ts.Getenv("POPSICLE_HOME"), "history.db"))
	ts.Check(err)
	s := &server.Server{History: history, Version: "v0.0.0-test"}
	s.Rerun = func(_ context.Context, again server.Rerun) (int64, error) { return again.Pipeline + 100, nil }
	s.Approve = history.Approve
	s.Artifact = keptBytes(stash.New(filepath.Join(ts.Getenv("POPSICLE_HOME"), "stash")))
	web := httptest.NewServer(s.Handler())
	ts.Defer(func() {
		web.Close()
		ts.Check(history.Close())
	})
	ts.Setenv(args[0], web.URL)
}

// seekable is text that is closed.
type seekable struct{ *bytes.Reader }

func (seekable) Close() error { return nil }

// keptBytes opens artifacts as the daemon does.
func keptBytes(store *stash.Store) func(context.Context, db.Artifact) (io.ReadSeekCloser, error) {
	return func(_ context.Context, a db.Artifact) (io.ReadSeekCloser, error) {
		r, err := store.Open(a.Blob)
		if err != nil {
			return nil, err
		}
		text := make([]byte, a.Size)
		_, err = r.Seek(a.Offset, io.SeekStart)
		_, err2 := io.ReadFull(r, text)
		return seekable{bytes.NewReader(text)}, errors.Join(err, err2, r.Close())
	}
}
