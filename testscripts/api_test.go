package testscripts

import (
	"context"
	"net/http/httptest"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/popsicle-ci/popsicle/db"
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
	web := httptest.NewServer(s.Handler())
	ts.Defer(func() {
		web.Close()
		ts.Check(history.Close())
	})
	ts.Setenv(args[0], web.URL)
}
