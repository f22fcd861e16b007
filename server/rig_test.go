package server

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// A rig is a server on the loopback device, over a history of its own.
type rig struct {
	*Server
	t     testing.TB
	url   string
	write string // a token that may write
	read  string // one that may not
}

func newRig(t testing.TB, change ...func(*Server)) *rig {
	t.Helper()
	s := &Server{History: openHistory(t), Version: "v0.0.0-test", Artifact: openBlob}
	for _, c := range change {
		c(s)
	}
	g := &rig{Server: s, t: t}
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	g.url = web.URL
	for name, to := range map[string]*string{"write": &g.write, "read": &g.read} {
		token, err := s.History.NewToken(t.Context(), name, db.Scope(name), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		*to = token
	}
	return g
}

func openRead(s *Server) { s.OpenRead = true }

// clock is when things happen in tests.
var clock = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// A recording is a pipeline that is written at the will of a test.
type recording struct {
	*db.Recorder
	t  testing.TB
	d  *db.DB
	id int64
}

func at(job, step int) event.At {
	return event.At{Time: clock, Workflow: "main", Job: "build", JobID: job, Step: step}
}

// begin begins a pipeline of one job with one running step.
func (g *rig) begin() *recording {
	g.t.Helper()
	id, err := g.History.NewPipeline(g.t.Context(), "lease")
	if err != nil {
		g.t.Fatal(err)
	}
	r := &recording{g.History.Recorder(id), g.t, g.History, id}
	r.say(
		event.PipelineStarted{At: event.At{Time: clock}, Repo: "owner/repo", Root: "/src/repo", Commit: "abcdef0123", Branch: "main",
			Subject: "a commit", Author: "Ada", Trigger: "webhook", Source: "commit", Jobs: 1, Workflows: []string{"main"}},
		event.TreeRead{At: event.At{Time: clock}, Tree: "123456", Files: 3, Bytes: 99},
		event.JobQueued{At: at(1, 0), Kind: "docker", Image: "busybox", Requires: []string{"lint"}, Steps: 1, PlanHash: "p", EnvNames: []string{"CI"}},
		event.JobStarted{At: at(1, 0), Engine: "unix:///docker.sock", Container: "c1"},
		event.StepStarted{At: at(1, 1), Name: "test", Kind: "run", Command: "make test", Shell: "sh", File: "ci.yml", Line: 7},
	)
	return r
}

func (r *recording) say(events ...event.Event) {
	r.t.Helper()
	for _, e := range events {
		if err := r.Handle(e); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *recording) print(text string) { r.say(event.Output{At: at(1, 1), Text: text}) }

// end ends the job and the pipeline.
func (r *recording) end() {
	r.t.Helper()
	r.say(
		event.StepFinished{At: at(1, 1), Status: event.Failed, ExitCode: 2, HasExit: true},
		event.JobFinished{At: at(1, 0), Status: event.Failed, Reason: "a reason"},
		event.WorkflowFinished{At: event.At{Time: clock, Workflow: "main"}, Status: event.Failed},
		event.Message{At: event.At{Time: clock}, Level: event.Warning, Text: "take care"},
		event.PipelineFinished{At: event.At{Time: clock}, Status: event.Failed},
	)
	if err := r.Close(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

// job returns the key of the recorded job, once it is in the history.
func (r *recording) job() int64 {
	r.t.Helper()
	var jobs []db.Job
	eventually(r.t, func() bool {
		jobs, _ = r.d.Jobs(context.Background(), r.id)
		return len(jobs) > 0
	})
	return jobs[0].ID
}

// past records a pipeline that has ended, whose step wrote text.
func (g *rig) past(text string) (pipeline, job int64) {
	g.t.Helper()
	r := g.begin()
	r.print(text)
	r.keep()
	r.end()
	return r.id, r.job()
}

func eventually(t testing.TB, done func() bool) {
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

// An answer is what a request got.
type answer struct {
	*http.Response
	text string
}

// ask sends a request. header is "Name: value" lines.
func (g *rig) ask(method, path, body string, header ...string) answer {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), method, g.url+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	got, err := client.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return answer{got, string(text)}
}

func (g *rig) get(path string, header ...string) answer {
	g.t.Helper()
	return g.ask("GET", path, "", header...)
}

// post sends JSON with the token that may write.
func (g *rig) post(path, body string) answer {
	g.t.Helper()
	return g.ask("POST", path, body, "Content-Type: application/json", "Authorization: Bearer "+g.write)
}

func (a answer) String() string { return fmt.Sprintf("%s %v %s", a.Status, a.Header, a.text) }

// basic is the header of a browser whose user gave a token as a password.
func basic(token string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+token))
}

// hasJobs waits until so many jobs are in the history.
func (r *recording) hasJobs(n int) {
	r.t.Helper()
	eventually(r.t, func() bool {
		jobs, _ := r.d.Jobs(context.Background(), r.id)
		return len(jobs) == n
	})
}
