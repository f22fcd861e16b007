package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// blob is content of the stash, as Server.Artifact opens it in tests.
const blob = "hello world<svg/>"

// closer makes a reader one that is closed.
type closer struct{ io.ReadSeeker }

func (closer) Close() error { return nil }

func openBlob(_ context.Context, a db.Artifact) (io.ReadSeekCloser, error) {
	if a.Blob != "m1" {
		return nil, fmt.Errorf("artifact %s: %w", a.Path, db.ErrNotFound)
	}
	return closer{bytes.NewReader([]byte(blob[a.Offset : a.Offset+a.Size]))}, nil
}

// keep lets the recorded job store files and results of tests.
func (r *recording) keep() {
	r.t.Helper()
	r.say(
		event.ArtifactsStored{At: at(1, 1), Blob: "m1", Bytes: int64(len(blob)), Files: []event.Artifact{
			{Path: "report.txt", Size: 5}, {Path: "all", Size: int64(len(blob))}, {Path: "sub/ä\"b %2F\n.html", Size: 6, Offset: 11}, {Path: "sub/x.svg", Size: 6, Offset: 11},
		}},
		event.ArtifactsStored{At: at(1, 1), Blob: "lost", Bytes: 1, Files: []event.Artifact{{Path: "lost", Size: 1}}},
		event.TestsStored{At: at(1, 1), Tests: []event.Test{
			{Suite: "s", Class: "c", Name: "one", File: "f.go", Result: event.TestSuccess, Seconds: 0.5},
			{Name: "two", Result: event.TestFailure, Message: "why"}, {Name: "three", Result: event.TestSkipped}, {Name: "four", Result: event.TestError, Message: "bang"},
		}},
	)
}

// hold adds an approval job to a recorded pipeline, and returns its key.
func (r *recording) hold() int64 {
	r.t.Helper()
	hold := event.At{Time: clock, Workflow: "main", Job: "hold", JobID: 2}
	r.say(event.JobQueued{At: hold, Kind: "approval"}, event.JobHeld{At: hold})
	var id int64
	eventually(r.t, func() bool {
		jobs, err := r.d.Jobs(context.Background(), r.id)
		for _, j := range jobs {
			if j.Kind == "approval" {
				id = j.ID
			}
		}
		return err == nil && id > 0
	})
	return id
}

// pages reads a list to its end, and returns what a field of its items is.
func (g *rig) pages(path, field string) (all []string) {
	g.t.Helper()
	for cursor := ""; ; {
		var page List[map[string]any]
		at := path
		if cursor != "" {
			at += "&cursor=" + url.QueryEscape(cursor)
		}
		if err := json.Unmarshal([]byte(g.get(at).text), &page); err != nil {
			g.t.Fatal(err)
		}
		for _, one := range page.Items {
			all = append(all, fmt.Sprint(one[field]))
		}
		if cursor = page.Next; cursor == "" || len(all) > 100 { // a cursor that does not move must not hang the test
			return all
		}
	}
}

func TestKeptPages(t *testing.T) {
	g := newRig(t, openRead)
	g.past("x\n")
	for _, c := range []struct{ path, field, want string }{
		{"/pipelines/1/artifacts?limit=1", "path", "all lost report.txt sub/x.svg sub/ä\"b %2F\n.html"},
		{"/jobs/1/artifacts?limit=2", "path", "all lost report.txt sub/x.svg sub/ä\"b %2F\n.html"},
		{"/pipelines/1/tests?limit=1", "name", "one two three four"},
		{"/jobs/1/tests?limit=3", "name", "one two three four"},
		{"/jobs/1/tests?limit=1&failed=true", "name", "two four"},
	} {
		if got := strings.Join(g.pages("/api/v1"+c.path, c.field), " "); got != c.want {
			t.Errorf("%s: %q; want %q", c.path, got, c.want)
		}
	}
	for _, bad := range []string{"artifacts?cursor=1", "artifacts?cursor=9/a", "artifacts?cursor=x/a", "tests?cursor=1/x", "tests?cursor=1/-1", "tests?limit=0", "tests?limit=10001", "tests?failed=maybe"} {
		if a := g.get("/api/v1/pipelines/1/" + bad); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %v", bad, a)
		}
	}
	var page Tests
	if err := json.Unmarshal([]byte(g.get("/api/v1/jobs/1/tests?failed=true").text), &page); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(page.Counts) != "map[error:1 failure:1 skipped:1 success:1]" {
		t.Errorf("counts: %v", page.Counts)
	}
}

// TestArtifactsAreInert looks at what a browser is told of files that anybody
// may have made.
func TestArtifactsAreInert(t *testing.T) {
	g := newRig(t, openRead)
	g.past("x\n")
	var l List[Artifact]
	if err := json.Unmarshal([]byte(g.get("/api/v1/jobs/1/artifacts").text), &l); err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, one := range l.Items {
		a := g.get(one.URL)
		if one.Path == "lost" {
			if a.StatusCode != http.StatusNotFound {
				t.Errorf("bytes that are gone: %v", a)
			}
			continue
		}
		if int64(len(a.text)) != one.Size || a.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(a.Header.Get("Content-Security-Policy"), "sandbox;") {
			t.Errorf("%s: %v", one.Path, a)
		}
		said[one.Path] = a.Header.Get("Content-Type") + " " + a.Header.Get("Content-Disposition")
	}
	for path, want := range map[string]string{
		"report.txt":          "text/plain; charset=utf-8 inline; filename*=UTF-8''report.txt",
		"all":                 "application/octet-stream attachment; filename*=UTF-8''all",
		"sub/x.svg":           "application/octet-stream attachment; filename*=UTF-8''x.svg",
		"sub/ä\"b %2F\n.html": "application/octet-stream attachment; filename*=UTF-8''%C3%A4%22b%20%252F%0A.html",
	} {
		if said[path] != want {
			t.Errorf("%q comes as %q; want %q", path, said[path], want)
		}
	}
	a := g.get("/api/v1/jobs/1/artifacts/all", "Range: bytes=6-10")
	if a.StatusCode != http.StatusPartialContent || a.text != "world" || a.Header.Get("Content-Range") != fmt.Sprintf("bytes 6-10/%d", len(blob)) {
		t.Errorf("a range: %v", a)
	}
	if b := g.get("/api/v1/jobs/1/artifacts/all", "If-None-Match: "+a.Header.Get("ETag")); b.StatusCode != http.StatusNotModified {
		t.Errorf("the same again: %v", b)
	}
	if b := g.get("/api/v1/jobs/1/artifacts/sub%2Fx.svg"); b.text != "<svg/>" {
		t.Errorf("a slash that is written as %%2F: %v", b)
	}
	for _, none := range []string{"nowhere", "", "sub", "../all", "%2e%2e/all", "all/"} {
		if b := g.get("/api/v1/jobs/1/artifacts/" + none); b.StatusCode != http.StatusNotFound {
			t.Errorf("%q: %v", none, b)
		}
	}
}

func TestApprovals(t *testing.T) {
	g := newRig(t, openRead)
	r := g.begin()
	defer r.Close(t.Context())
	path := fmt.Sprintf("/api/v1/jobs/%d/approve", r.hold())
	for _, c := range []struct {
		body string
		want int
	}{
		{`{}`, 400}, {`{"approve": null}`, 400}, {`{"approve": "yes"}`, 400},
		{`{"approve": false}`, 202}, {`{"approve": false}`, 202}, {`{"approve": true}`, 409},
	} {
		if a := g.post(path, c.body); a.StatusCode != c.want {
			t.Errorf("%s: %v; want %d", c.body, a, c.want)
		}
	}
	a, said, err := g.History.Approval(t.Context(), r.id, 2)
	if !said || a != (db.Approval{By: "token write"}) || err != nil {
		t.Errorf("kept: %+v, %v, %v", a, said, err)
	}
	if a := g.post(fmt.Sprintf("/api/v1/jobs/%d/approve", r.job()), `{"approve": true}`); a.StatusCode != http.StatusConflict {
		t.Errorf("of no approval job: %v", a)
	}
}

// order delivers what makes a pipeline that waits.
func (g *rig) order(guid string, o *db.Order) db.Receipt {
	g.t.Helper()
	got, err := g.History.Deliver(g.t.Context(), db.Delivery{GUID: guid, Body: [32]byte{byte(len(guid)), guid[0]}, Time: clock.Add(time.Hour), Event: "pull_request",
		Action: "opened", Repo: "owner/name", Ref: "refs/pull/3/head", Commit: "abcdef0123", Outcome: db.OutcomeIgnored, Reason: "nothing to run", Order: o})
	if err != nil {
		g.t.Fatal(err)
	}
	return got
}

func TestQueueAndDeliveries(t *testing.T) {
	g := newRig(t, openRead)
	g.order("a", nil)
	g.order("b", &db.Order{Repo: "owner/name", Trigger: "webhook", Event: "pull_request", Action: "opened", Ref: "refs/pull/3/head", Commit: "abcdef0123",
		Branch: "pull/3", Hold: true, Pull: &db.Pull{Number: 3, Fork: true}})
	g.order("c", &db.Order{Repo: "owner/name", Trigger: "webhook", Event: "push", Ref: "refs/heads/main", Commit: "abcdef0124", Branch: "main"})
	g.begin().end()
	if got := strings.Join(g.pages("/api/v1/deliveries?limit=1", "guid"), " "); got != "c b a" {
		t.Errorf("deliveries: %q", got)
	}
	if got := strings.Join(g.pages("/api/v1/deliveries?outcome=ignored&repo=owner/name", "reason"), " "); got != "nothing to run" {
		t.Errorf("those that were ignored: %q", got)
	}
	var l List[Pipeline]
	if err := json.Unmarshal([]byte(g.get("/api/v1/queue").text), &l); err != nil {
		t.Fatal(err)
	}
	if len(l.Items) != 2 || l.Items[0].Status != "on_hold" || l.Items[0].Order == nil || *l.Items[0].Order != (Asked{Event: "pull_request", Action: "opened", Ref: "refs/pull/3/head", Pull: 3, Fork: true}) ||
		l.Items[1].Order == nil || l.Items[1].Order.Event != "push" {
		t.Errorf("the queue: %+v", l.Items)
	}
}
