package db

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// TestAwait has several wait for what another process writes, and holds that
// they share a connection.
func TestAwait(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.db")
	mine, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	theirs, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	id, err := theirs.Enqueue(t.Context(), Order{Repo: "a/b", Commit: "c"})
	if err != nil {
		t.Fatal(err)
	}
	const waiters = 50
	looked, came := make(chan bool, 1000), make(chan error, waiters)
	for range waiters {
		go func() {
			came <- mine.Await(context.Background(), func() (bool, error) {
				_, asked, err := mine.CancelRequested(context.Background(), id)
				looked <- true
				return asked, err
			})
		}()
	}
	for range waiters {
		<-looked
	}
	if n := mine.read.Stats().OpenConnections; n > 20 {
		t.Errorf("%d who wait keep %d connections", waiters, n)
	}
	if err := theirs.RequestCancel(t.Context(), id, "me"); err != nil {
		t.Fatal(err)
	}
	for range waiters {
		select {
		case err := <-came:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("who waits was not told")
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	looking := make(chan bool, 1000)
	go func() {
		came <- mine.Await(ctx, func() (bool, error) { looking <- true; return false, nil })
	}()
	<-looking
	cancel()
	if err := <-came; !errors.Is(err, context.Canceled) {
		t.Errorf("who gives up: %v", err)
	}
	failed := errors.New("failed")
	if err := mine.Await(t.Context(), func() (bool, error) { return false, failed }); !errors.Is(err, failed) {
		t.Errorf("a look that fails: %v", err)
	}
}
