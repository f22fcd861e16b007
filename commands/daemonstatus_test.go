package commands

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/ghstatus"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/event"
)

func TestProves(t *testing.T) {
	passed := db.Pipeline{Trigger: "cli", Status: event.Success, Branch: "main", ConfigHash: "c"}
	push := db.Order{Branch: "main"}
	tests := []struct {
		name   string
		change func(*db.Pipeline)
		want   bool
	}{
		{"the same", func(*db.Pipeline) {}, true},
		{"on another branch, where other jobs may run", func(p *db.Pipeline) { p.Branch = "topic" }, false},
		{"on a tag", func(p *db.Pipeline) { p.Branch, p.Tag = "", "v1" }, false},
		{"failed", func(p *db.Pipeline) { p.Status = event.Failed }, false},
		{"with other parameters", func(p *db.Pipeline) { p.ConfigHash = "d" }, false},
		{"by the daemon", func(p *db.Pipeline) { p.Trigger = "webhook" }, false},
	}
	for _, tt := range tests {
		p := passed
		tt.change(&p)
		if got := proves(p, push, "c"); got != tt.want {
			t.Errorf("a run %s: %v", tt.name, got)
		}
	}
}

func TestAPIOfAHost(t *testing.T) {
	s := settings{APIs: map[string]string{"git.example:3000": "a", "two.example:1": "b", "two.example:2": "c", "plain.example": "d"}}
	for host, want := range map[string]string{
		"git.example:3000": "a", "git.example": "a", "git.example:4000": "", "two.example:2": "c", "two.example": "", "plain.example": "d", "plain.example:80": "", "github.com": "",
	} {
		if got := s.api(host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}

func TestTargetOf(t *testing.T) {
	client := &ghstatus.Client{Base: func(host string) string {
		return map[string]string{"git.example": "https://git.example/git/api/v1"}[host]
	}}
	for remote, want := range map[string]string{
		"https://git.example/git/ada/app": "git.example ada/app", "git@git.example:ada/app": "git.example ada/app",
		"https://github.com/ada/app": "github.com ada/app", "https://github.com/git/ada/app": " ", "/srv/git/ada/app": " ",
	} {
		got, err := targetOf(gitops.Head{RemoteURL: remote, Slug: "ada/app", Commit: "c"}, client)
		if got.Host+" "+got.Repo != want || (err == nil) != (want != " ") {
			t.Errorf("%s: %+v, %v", remote, got, err)
		}
	}
}

// TestGiveUp: no commit waits for ever for a pipeline that will not end.
func TestGiveUp(t *testing.T) {
	history, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = history.Close() })
	id, err := history.Enqueue(t.Context(), db.Order{Repo: "o/r", Commit: "c", Event: "push"})
	if err != nil {
		t.Fatal(err)
	}
	for context, state := range map[string]string{"popsicle/a": "pending", "popsicle/b": "success"} {
		if err := history.PutStatus(t.Context(), db.Status{Host: "h", Repo: "o/r", Commit: "c", Context: context, State: state, Pipeline: id}); err != nil {
			t.Fatal(err)
		}
	}
	if err := newDaemon(history, t.TempDir(), slog.New(slog.DiscardHandler)).giveUp(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	said, err := history.Statuses(t.Context(), id)
	if err != nil || len(said) != 2 {
		t.Fatalf("%+v, %v", said, err)
	}
	for _, s := range said {
		if want := map[string]string{"popsicle/a": "error", "popsicle/b": "success"}[s.Context]; s.State != want {
			t.Errorf("%s is %s, want %s", s.Context, s.State, want)
		}
	}
}
