package db

import (
	"path/filepath"
	"testing"
	"time"
)

func TestStatusesAreTheNewest(t *testing.T) {
	ctx := t.Context()
	d, err := Open(ctx, filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	put := func(pipeline int64, state, text string) {
		t.Helper()
		if err := d.PutStatus(ctx, Status{Host: "github.com", Repo: "o/r", Commit: "abc", Context: "c", State: state, Description: text, Pipeline: pipeline}); err != nil {
			t.Fatal(err)
		}
	}
	due := func(want string) *Status {
		t.Helper()
		s, _, err := d.DueStatus(ctx, time.Now().Add(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if s != nil {
			got = s.State + " " + s.Description
		}
		if got != want {
			t.Fatalf("due is %q, not %q", got, want)
		}
		return s
	}
	settle := func(s *Status, verdict string, next time.Time) {
		t.Helper()
		if err := d.SettleStatus(ctx, *s, verdict, "because", next); err != nil {
			t.Fatal(err)
		}
	}
	due("")
	put(2, "pending", "begun")
	first := due("pending begun")
	put(2, "success", "passed")
	put(2, "pending", "late") // the same run has ended
	put(1, "failure", "an older run")
	settle(first, "posted", time.Time{}) // the answer to what is no longer said
	s := due("success passed")
	settle(s, "later", time.Now().Add(time.Hour))
	due("")
	if _, wait, err := d.DueStatus(ctx, time.Now()); err != nil || wait < 59*time.Minute {
		t.Errorf("the next is due in %v, %v", wait, err)
	}
	put(3, "pending", "again")
	settle(due("pending again"), "posted", time.Time{})
	put(3, "pending", "again")
	due("") // it is said already
	all, err := d.Statuses(ctx, 3)
	if err != nil || len(all) != 1 || all[0].Posted != 2 || all[0].Verdict != "posted" || all[0].Tries != 1 || all[0].Answer != "because" {
		t.Errorf("%+v, %v", all, err)
	}
}
