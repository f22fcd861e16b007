package db

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

func TestRecorderWritesWhatHappened(t *testing.T) {
	d := open(t)
	d.Version = "1.2.3"
	id := record(t, d, smallRun()...)
	at := func(seconds int) time.Time { return clock.Add(time.Duration(seconds) * time.Second) }

	p, err := d.Pipeline(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if p.Queued.IsZero() {
		t.Error("the pipeline was never queued")
	}
	p.Queued = time.Time{}
	same(t, p, Pipeline{
		ID: 1, Status: event.Failed, Reason: "another",
		Repo: "owner/repo", Root: "/src/repo", Commit: "abcdef0123", Branch: "main", Tag: "v1",
		Subject: "a commit", Author: "A. U. Thor", Trigger: "cli", Source: "worktree",
		Tree: "123456", TreeFiles: 3, TreeBytes: 99, Changed: []string{"a.go"}, Dirty: true,
		Files: []event.ConfigFile{{Path: ".popsicle/ci.yml", SHA256: "aa"}}, ConfigHash: "cc",
		Start: at(0), End: at(9), Seen: at(9),
		PlannedJobs: 1, Jobs: map[event.Status]int{event.Failed: 1}, Lease: "a lease", Version: "1.2.3",
	})

	job := onlyJob(t, d, id)
	same(t, job, Job{
		ID: 1, PipelineID: 1, Workflow: "main", Name: "build", Kind: "docker", Position: 1,
		Status: event.Failed, Reason: "a reason", Requires: []string{"lint"},
		Image: "busybox", ImageDigest: "sha256:1", Arch: "arm64", Emulated: true, User: "root", WorkDir: "/root/project",
		Engine: "unix:///docker.sock", Container: "c1", PlanHash: "p", EnvNames: []string{"CI"},
		Queued: at(1), Start: at(2), End: at(7), PlannedSteps: 2, LogBytes: 6,
	})

	steps, err := d.Steps(t.Context(), job.ID)
	if err != nil {
		t.Fatal(err)
	}
	two := 2
	same(t, steps, []Step{{
		JobID: 1, Number: 1, Name: "test", Kind: "run", Status: event.Failed, ExitCode: &two,
		Command: "make test", Shell: "/bin/sh -eo pipefail", File: ".popsicle/ci.yml", Line: 7,
		Start: at(4), End: at(6), LogBytes: 6, LogLines: 1,
	}})

	workflows, err := d.Workflows(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	same(t, workflows, []Workflow{{Name: "main", Status: event.Failed, Start: at(0), End: at(8)}})

	runners, err := d.Runners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, runners, []Runner{{ID: 1, Host: "unix:///docker.sock", Seen: at(2)}})

	page, err := d.Lines(t.Context(), LogQuery{Job: job.ID})
	if err != nil {
		t.Fatal(err)
	}
	if page.Next.String() != "1.6" {
		t.Errorf("the next cursor is %s", page.Next)
	}
	page.Next = Cursor{}
	same(t, page, Page{Pieces: []Piece{{Step: 1, Time: at(5), Text: []byte("hello\n")}}, Ended: true})
}

func TestEqualsCommitOnlyWhereItIsProven(t *testing.T) {
	for name, c := range map[string]struct {
		commit string
		tree   event.TreeRead
		want   bool
	}{
		"clean":             {"abc", event.TreeRead{Equal: true}, true},
		"sparse":            {"abc", event.TreeRead{}, false},
		"dirty":             {"abc", event.TreeRead{Dirty: true}, false},
		"changed meanwhile": {"abc", event.TreeRead{Equal: true, Unstable: true}, false},
		"no commit yet":     {"", event.TreeRead{Equal: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			id := record(t, d, event.PipelineStarted{At: jobAt(0, 0), Commit: c.commit}, c.tree)
			if p, err := d.Pipeline(t.Context(), id); err != nil || p.EqualsCommit != c.want {
				t.Errorf("equals commit: %v, %v; want %v", p.EqualsCommit, err, c.want)
			}
		})
	}
}

func TestStatesOnTheWay(t *testing.T) {
	d := open(t)
	id, r := begin(t, d)
	if p, err := d.Pipeline(t.Context(), id); err != nil || p.Status != event.Queued || !p.Start.IsZero() {
		t.Errorf("a new pipeline is %q, started %v, %v", p.Status, p.Start, err)
	}
	for _, e := range []event.Event{
		event.PipelineStarted{At: event.At{Time: clock}, Jobs: 3},
		event.JobQueued{At: jobAt(1, 0), Kind: "docker"},
		event.JobQueued{At: jobAt(2, 0), Kind: "approval"},
		event.JobQueued{At: jobAt(3, 0), Kind: "docker"},
		event.JobHeld{At: jobAt(2, 0)},
		event.JobStarted{At: jobAt(3, 0)},
		event.StepStarted{At: stepAt(3, 1, 0)},
		event.Message{At: jobAt(3, 0), Level: event.Info, Text: "a pull's progress"},
		event.Message{At: jobAt(3, 0), Level: event.Warning, Text: "emulated"},
	} {
		if err := r.Handle(e); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, func() bool {
		messages, err := d.Messages(t.Context(), id)
		return err == nil && reflect.DeepEqual(messages, []Message{{Job: 3, Time: clock, Level: event.Warning, Text: "emulated"}})
	})
	p, err := d.Pipeline(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	same(t, p.Jobs, map[event.Status]int{event.Queued: 1, event.OnHold: 1, event.Running: 1})

	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err = d.Pipeline(t.Context(), id)
	if err != nil || p.Status != event.Interrupted || p.End.IsZero() {
		t.Errorf("a run that did not finish is %q until %v, %v", p.Status, p.End, err)
	}
	same(t, p.Jobs, map[event.Status]int{event.Interrupted: 3})
	if err := r.Handle(event.TreeRead{}); err == nil {
		t.Error("a closed recorder takes events")
	}
	if err := r.Close(t.Context()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

func TestNodesAreJobsOfTheirOwn(t *testing.T) {
	d := open(t)
	second := jobAt(1, 0)
	second.Node = 1
	id := record(t, d,
		event.JobQueued{At: jobAt(1, 0), Kind: "docker", Nodes: 2},
		event.Output{At: stepAt(1, 1, 0), Text: "zero"},
		event.Output{At: func() event.At { at := second; at.Step = 1; return at }(), Text: "one"},
		event.JobFinished{At: jobAt(1, 0), Status: event.Success},
		event.JobFinished{At: second, Status: event.Failed},
	)
	jobs, err := d.Jobs(t.Context(), id)
	if err != nil || len(jobs) != 2 {
		t.Fatalf("%v, %v", jobs, err)
	}
	p, err := d.Pipeline(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	same(t, p.Jobs, map[event.Status]int{event.Failed: 1}) // one job, as its worst node
	for i, want := range []string{"zero", "one"} {
		if got := wholeLog(t, d, jobs[i].ID); jobs[i].Kind != "docker" || jobs[i].Node != i || got[1] != want {
			t.Errorf("node %d wrote %q, want %q", jobs[i].Node, got[1], want)
		}
	}
}

func TestNonsenseDoesNotStopTheRest(t *testing.T) {
	d := open(t)
	id, r := begin(t, d)
	handle(t, r,
		event.JobQueued{At: jobAt(1, 0)},
		event.JobFinished{At: jobAt(1, 0), Status: "green"},
		event.JobQueued{At: jobAt(2, 0)},
		event.JobFinished{At: jobAt(2, 0), Status: event.Success},
		event.PipelineFinished{At: jobAt(0, 0), Status: event.Success})
	if err := r.Close(t.Context()); err == nil || !strings.Contains(err.Error(), "constraint") {
		t.Errorf("closing says %v", err)
	}
	p, err := d.Pipeline(t.Context(), id)
	if err != nil || p.Status != event.Success {
		t.Errorf("the pipeline is %s, %v", p.Status, err)
	}
	same(t, p.Jobs, map[event.Status]int{event.Interrupted: 1, event.Success: 1})
}
