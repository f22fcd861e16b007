package db

import (
	"errors"
	"reflect"
	"syscall"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// same fails where got is not want.
func same(t testing.TB, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// waitFor returns when something that another goroutine does is done.
func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	late := time.After(time.Minute)
	for !done() {
		select {
		case <-late:
			t.Fatal("waited in vain")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func handle(t testing.TB, r *Recorder, events ...event.Event) {
	t.Helper()
	for _, e := range events {
		if err := r.Handle(e); err != nil {
			t.Fatal(err)
		}
	}
}

// snapshot returns the events that were not taken yet.
func (q *queue) snapshot() []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.items
}

func second[T any](_ T, err error) error { return err }

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }

func umask(mask int) int { return syscall.Umask(mask) }
