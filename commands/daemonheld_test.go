package commands

import (
	"testing"

	"github.com/popsicle-ci/popsicle/db"
)

// TestHeldPipelinesTellTheirCommits: who opens a pull request from a fork sees
// what it waits for, and that it does not wait any more.
func TestHeldPipelinesTellTheirCommits(t *testing.T) {
	d := idle(t)
	r := db.Repo{Name: "a/b", URL: "https://h.example/a/b"}
	d.now.Store(&settings{Jobs: 1, Statuses: statusWorkflow, Repos: map[string]db.Repo{"a/b": r}})
	hold := func(commit string) int64 {
		t.Helper()
		id, err := d.enqueue(t.Context(), db.Order{Repo: "a/b", Commit: commit, Hold: true, Pull: &db.Pull{Number: 1, Fork: true}})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	said := func(commit, state, text string) {
		t.Helper()
		if err := d.tellHeld(t.Context()); err != nil {
			t.Fatal(err)
		}
		s, err := d.history.StatusOf(t.Context(), "h.example", "a/b", commit, "popsicle")
		if err != nil || s.State != state || s.Description != text {
			t.Errorf("%s: %+v, %v; want %s %q", commit, s, err, state, text)
		}
	}
	closed, approved := hold("c1"), hold("c2")
	said("c1", "pending", "waits for approval: popsicle approve 1")
	said("c2", "pending", "waits for approval: popsicle approve 2")
	if err := d.approve(t.Context(), approved, "ada"); err != nil {
		t.Fatal(err)
	}
	said("c2", "pending", "waits for approval: popsicle approve 2") // until it is taken
	o, err := d.history.Order(t.Context(), approved)
	if err != nil {
		t.Fatal(err)
	}
	d.tellApproved(o)
	said("c2", "success", "approved by ada")

	// Another daemon on the same history knows what the first one has said.
	d.asked = nil
	if err := d.cancel(t.Context(), closed, "ada"); err != nil {
		t.Fatal(err)
	}
	said("c1", "error", "canceled by ada")
	hold("c1")
	said("c1", "pending", "waits for approval: popsicle approve 3")

	d.now.Store(&settings{Jobs: 1, Statuses: statusOff, Repos: map[string]db.Repo{"a/b": r}})
	hold("c4")
	if err := d.tellHeld(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s, err := d.history.StatusOf(t.Context(), "h.example", "a/b", "c4", "popsicle"); err == nil {
		t.Errorf("nobody wants statuses: %+v", s)
	}
}
