package commands

import (
	"testing"

	"github.com/popsicle-ci/popsicle/db"
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
