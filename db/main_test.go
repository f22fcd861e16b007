package db

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// roleVar names the environment variable that makes the test binary play one
// of the roles instead of testing: several processes share a history.
const roleVar = "POPSICLE_DB_TEST_ROLE"

var roles = map[string]func(path string) error{
	"record":    recordRuns,
	"endless":   recordEndlessly,
	"smallDisk": recordOnSmallDisk,
}

// benchDir holds what the benchmarks share.
var benchDir string

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		if err := roles[role](os.Args[1]); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		return
	}
	dir, err := os.MkdirTemp("", "popsicle-db-")
	if err != nil {
		panic(err)
	}
	benchDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// open opens a new history for the time of a test.
func open(t testing.TB) *DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "history.db"))
}

func openAt(t testing.TB, path string) *DB {
	t.Helper()
	d, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// record writes events as a new pipeline and returns its number.
func record(t testing.TB, d *DB, events ...event.Event) int64 {
	t.Helper()
	id, r := begin(t, d)
	for _, e := range events {
		if err := r.Handle(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return id
}

// begin returns the recorder of a new pipeline.
func begin(t testing.TB, d *DB) (int64, *Recorder) {
	t.Helper()
	id, err := d.NewPipeline(context.Background(), "a lease")
	if err != nil {
		t.Fatal(err)
	}
	return id, d.Recorder(id)
}

// onlyJob returns the job of a pipeline that has one.
func onlyJob(t testing.TB, d *DB, pipeline int64) Job {
	t.Helper()
	jobs, err := d.Jobs(context.Background(), pipeline)
	if err != nil || len(jobs) != 1 {
		t.Fatalf("jobs of #%d: %v, %v; want one", pipeline, jobs, err)
	}
	return jobs[0]
}

// clock is the time of the first event in tests, to the millisecond.
var clock = time.Date(2026, 11, 24, 12, 0, 0, 0, time.Local)

// jobAt and stepAt say where something happens, and when after clock.
func jobAt(job int, after time.Duration) event.At {
	return event.At{Time: clock.Add(after), Workflow: "main", Job: "build", JobID: job}
}

func stepAt(job, step int, after time.Duration) event.At {
	at := jobAt(job, after)
	at.Step = step
	return at
}

// smallRun returns the events of a run of one job with one step.
func smallRun() []event.Event {
	const s = time.Second
	return []event.Event{
		event.PipelineStarted{
			At: event.At{Time: clock}, Repo: "owner/repo", Root: "/src/repo", Commit: "abcdef0123", Branch: "main", Tag: "v1",
			Subject: "a commit", Author: "A. U. Thor", Trigger: "cli", Source: "worktree",
			Files: []event.ConfigFile{{Path: ".popsicle/ci.yml", SHA256: "aa"}}, Config: "cc", Jobs: 1, Workflows: []string{"main"},
		},
		event.TreeRead{At: event.At{Time: clock}, Tree: "123456", Dirty: true, Files: 3, Bytes: 99, Changed: []string{"a.go"}},
		event.JobQueued{At: jobAt(1, 1*s), Kind: "docker", Image: "busybox", Requires: []string{"lint"}, Steps: 2, PlanHash: "p", EnvNames: []string{"CI"}},
		event.JobStarted{At: jobAt(1, 2*s), Engine: "unix:///docker.sock", Container: "c1"},
		event.JobReady{At: jobAt(1, 3*s), ImageDigest: "sha256:1", Arch: "arm64", Emulated: true, User: "root", WorkDir: "/root/project"},
		event.StepStarted{At: stepAt(1, 1, 4*s), Name: "test", Kind: "run", Command: "make test", Shell: "/bin/sh -eo pipefail", File: ".popsicle/ci.yml", Line: 7},
		event.Output{At: stepAt(1, 1, 5*s), Text: "hel"},
		event.Output{At: stepAt(1, 1, 5*s), Text: "lo\n"},
		event.StepFinished{At: stepAt(1, 1, 6*s), Status: event.Failed, ExitCode: 2, HasExit: true},
		event.JobFinished{At: jobAt(1, 7*s), Status: event.Failed, Reason: "a reason"},
		event.WorkflowFinished{At: event.At{Time: clock.Add(8 * s), Workflow: "main"}, Status: event.Failed},
		event.PipelineFinished{At: event.At{Time: clock.Add(9 * s)}, Status: event.Failed, Reason: "another"},
	}
}
