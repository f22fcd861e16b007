package commands

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/server"
)

// A cutter is a proxy that breaks the first streams of a path after so many
// bytes, and remembers where they were taken up again.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p[:min(c.left, len(p))])
	if c.left -= len(p); c.left < 0 {
		_ = http.NewResponseController(c.ResponseWriter).Flush() // what was written before the break arrives
		panic(http.ErrAbortHandler)
	}
	return n, err
}

func (c *cutter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// TestStreamGoesOnWhereItBroke follows a run whose streams break, and holds
// that every line comes once, and that nothing is asked again and again.
func TestStreamGoesOnWhereItBroke(t *testing.T) {
	history, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer history.Close()
	web := httptest.NewServer((&server.Server{History: history, OpenRead: true}).Handler())
	defer web.Close()
	target, err := url.Parse(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var resumed []string
	asked := map[string]int{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }} // it does not say that it speaks for others
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.URL.Path]++
		n := asked[r.URL.Path]
		if last := r.Header.Get("Last-Event-ID"); last != "" {
			resumed = append(resumed, last)
		}
		mu.Unlock()
		if strings.HasSuffix(r.URL.Path, "/log") && n < 4 {
			w = &cutter{w, 3000}
		}
		proxy.ServeHTTP(w, r)
	}))
	defer front.Close()

	id, err := history.NewPipeline(t.Context(), "lease")
	if err != nil {
		t.Fatal(err)
	}
	recorder := history.Recorder(id)
	say := func(events ...event.Event) {
		for _, e := range events {
			if err := recorder.Handle(e); err != nil {
				t.Error(err)
			}
		}
	}
	at := func(step int) event.At {
		return event.At{Time: time.Unix(1e9, 0), Pipeline: id, Workflow: "main", Job: "build", JobID: 1, Step: step}
	}
	say(event.PipelineStarted{At: at(0), Repo: "a/b"}, event.JobQueued{At: at(0), Kind: "docker"}, event.JobStarted{At: at(0)},
		event.StepStarted{At: at(1), Name: "one"})
	var want strings.Builder
	want.WriteString("=== build: 1 one\n")
	for i := range 200 {
		fmt.Fprintf(&want, "line %d\n", i)
		say(event.Output{At: at(1), Text: fmt.Sprintf("line %d\n", i)})
	}
	want.WriteString("=== build: 2 two\nbegun and ended\n")
	var text bytes.Buffer
	out := bufio.NewWriter(&text)
	from := &remote{base: front.URL + "/api/v1", client: &http.Client{}}
	r := &reader{history: from, out: out, follow: true, read: map[int64]db.Cursor{}, over: map[int64]bool{}, parallel: map[int]bool{}}
	followed := make(chan error, 1)
	go func() { followed <- r.stream(t.Context(), from, db.Pipeline{ID: id}) }()
	say(event.StepFinished{At: at(1), Status: event.Success}, event.StepStarted{At: at(2), Name: "two"}, event.Output{At: at(2), Text: "begun "},
		event.Output{At: at(2), Text: "and ended\n"}, event.StepFinished{At: at(2), Status: event.Success},
		event.JobFinished{At: at(0), Status: event.Success}, event.PipelineFinished{At: at(0), Status: event.Success})
	if err := recorder.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case err = <-followed:
	case <-time.After(time.Minute):
		t.Fatal("the stream does not end")
	}
	if err != nil || text.String() != want.String() {
		t.Errorf("%v\ngot\n%s\nwant\n%s", err, text.String(), want.String())
	}
	mu.Lock()
	defer mu.Unlock()
	if len(resumed) < 3 || asked["/api/v1/pipelines/1"] > 0 {
		t.Errorf("resumed at %q, asked %v", resumed, asked)
	}
}
