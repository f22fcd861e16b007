package db

import (
	"fmt"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// nodeAt is a moment of one of a job's nodes.
func nodeAt(seconds, node int) event.At {
	at := jobAt(1, time.Duration(seconds)*time.Second)
	at.Node = node
	return at
}

func artifactsOf(t *testing.T, d *DB, pipeline int64) (paths []string) {
	t.Helper()
	for a, err := range d.Artifacts(t.Context(), pipeline) {
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, fmt.Sprintf("%s[%d] %s %d@%s+%d", a.Job, a.Node, a.Path, a.Size, a.Blob, a.Offset))
	}
	return paths
}

func TestArtifacts(t *testing.T) {
	d := open(t)
	files := []event.Artifact{{Path: "b", Size: 2}, {Path: "a/c", Size: 3, Offset: 2}}
	id := record(t, d, event.JobQueued{At: nodeAt(1, 0)}, event.ArtifactsStored{At: nodeAt(2, 0), Blob: "m1", Bytes: 5, Files: files},
		event.ArtifactsStored{At: nodeAt(2, 1), Blob: "m1", Bytes: 5, Files: files[:1]},
		event.ArtifactsStored{At: nodeAt(3, 0), Blob: "m2", Bytes: 9, Files: []event.Artifact{{Path: "b", Size: 9}}},
		event.ArtifactsStored{At: nodeAt(4, 0), Blob: "m1", Bytes: 5, Files: []event.Artifact{{Path: "link", Size: 3, Offset: 2}}})
	same(t, artifactsOf(t, d, id), []string{"build[0] a/c 3@m1+2", "build[0] b 9@m2+0", "build[0] link 3@m1+2", "build[1] b 2@m1+0"})

	jobs, err := d.Jobs(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	a, err := d.Artifact(t.Context(), jobs[0].ID, "b")
	if err != nil || a.Blob != "m2" || a.Size != 9 {
		t.Errorf("got %+v, %v", a, err)
	}
	if _, err := d.Artifact(t.Context(), jobs[0].ID, "no"); !isNotFound(err) {
		t.Errorf("got %v", err)
	}
}

func TestDropArtifacts(t *testing.T) {
	d := open(t)
	var events []event.Event
	events = append(events, event.JobQueued{At: nodeAt(1, 0)})
	for i := range 4 {
		events = append(events, event.ArtifactsStored{At: nodeAt(10*i, 0), Blob: fmt.Sprint("m", i), Bytes: 10, Files: []event.Artifact{{Path: fmt.Sprint(i), Size: 7}}})
	}
	id := record(t, d, events...)
	gone, err := d.DropArtifacts(t.Context(), clock.Add(5*time.Second), -1)
	if err != nil || gone != (Dropped{1, 7}) {
		t.Errorf("by age: %+v, %v", gone, err)
	}
	gone, err = d.DropArtifacts(t.Context(), time.Time{}, 25)
	if err != nil || gone != (Dropped{1, 7}) {
		t.Errorf("by size: %+v, %v", gone, err)
	}
	same(t, artifactsOf(t, d, id), []string{"build[0] 2 7@m2+0", "build[0] 3 7@m3+0"})
	var blobs []string
	for blob, err := range d.ArtifactBlobs(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		blobs = append(blobs, blob)
	}
	same(t, blobs, []string{"m2", "m3"})
}

func TestTests(t *testing.T) {
	d := open(t)
	passed := event.Test{Suite: "s", Class: "c", Name: "a", File: "a.py", Result: event.TestSuccess, Seconds: 0.5}
	failed := event.Test{Name: "b", Result: event.TestFailure, Message: "boom"}
	id := record(t, d, event.JobQueued{At: nodeAt(1, 0)}, event.TestsStored{At: nodeAt(2, 0), Tests: []event.Test{passed, failed}},
		event.TestsStored{At: nodeAt(2, 1), Tests: []event.Test{passed}})
	var all, bad []event.Test
	for test, err := range d.Tests(t.Context(), id, false) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, test.Test)
	}
	for test := range d.Tests(t.Context(), id, true) {
		bad = append(bad, test.Test)
	}
	same(t, all, []event.Test{passed, failed, passed})
	same(t, bad, []event.Test{failed})
	counts, err := d.TestCounts(t.Context(), id)
	if err != nil {
		t.Error(err)
	}
	same(t, counts, map[event.TestResult]int{event.TestSuccess: 2, event.TestFailure: 1})
}

// timedRun records a pipeline of two nodes, which ran tests.
func timedRun(t *testing.T, d *DB, root string, status event.Status, tests ...event.Test) {
	t.Helper()
	events := []event.Event{event.PipelineStarted{At: event.At{Time: clock, Pipeline: 1}, Root: root}}
	for node, test := range tests {
		queued := event.JobQueued{At: nodeAt(1, node)}
		events = append(events, queued, event.TestsStored{At: nodeAt(2, node), Tests: []event.Test{test, test}},
			event.JobFinished{At: nodeAt(3, node), Status: status})
	}
	record(t, d, events...)
}

func TestTestTimings(t *testing.T) {
	d := open(t)
	test := func(file string, seconds float64) event.Test {
		return event.Test{File: file, Class: "C" + file, Name: "N", Result: event.TestSuccess, Seconds: seconds}
	}
	timedRun(t, d, "/a", event.Success, test("old", 1), test("x", 1))
	timedRun(t, d, "/a", event.Success, test("x", 2), test("y", 3))
	timedRun(t, d, "/a", event.Failed, test("x", 50), test("z", 50))
	timedRun(t, d, "/b", event.Success, test("x", 70))
	timedRun(t, d, "/a", event.Success, test("", 4))
	for by, want := range map[TimingKey]map[string]float64{
		ByFile:  {"old": 2, "x": 4, "y": 6},
		ByClass: {"Cold": 2, "Cx": 4, "Cy": 6, "C": 8},
		ByName:  {"N": 8},
	} {
		got, err := d.TestTimings(t.Context(), "/a", "build", by)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, want)
	}
	if got, err := d.TestTimings(t.Context(), "/a", "other", ByFile); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := d.TestTimings(t.Context(), "/a", "build", "colour"); err == nil {
		t.Error("tests have a colour")
	}
}

func BenchmarkStoreArtifacts(b *testing.B) {
	d := open(b)
	for b.Loop() {
		_, r := begin(b, d)
		handle(b, r, event.JobQueued{At: nodeAt(1, 0)})
		for pack := range 50 {
			e := event.ArtifactsStored{At: nodeAt(2, 0), Blob: fmt.Sprint("m", pack), Bytes: 1}
			for i := range 2000 {
				e.Files = append(e.Files, event.Artifact{Path: fmt.Sprintf("some/folder/of/pack%d/file%d.txt", pack, i), Size: 10})
			}
			handle(b, r, e)
		}
		if err := r.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
