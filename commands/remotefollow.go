package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tmaxmax/go-sse"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/server"
)

// How long a stream is asked for again that broke, as when the daemon begins
// anew, and how large an event may be.
const (
	streamPatience = time.Minute
	longestEvent   = 16 << 20
)

// listen hears a stream of events to its end. One that breaks goes on behind
// the last event that was heard.
func (r *remote) listen(ctx context.Context, path string, hear func(name, data string) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	q, err := r.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	client := sse.Client{HTTPClient: r.client, ResponseValidator: r.streams, Backoff: sse.Backoff{MaxInterval: 5 * time.Second, MaxElapsedTime: streamPatience}}
	stream := client.NewConnection(q)
	stream.Buffer(nil, longestEvent)
	ended := false
	stream.SubscribeToAll(func(e sse.Event) {
		if ended {
			return
		}
		if err = hear(e.Type, e.Data); err != nil || e.Type == "end" {
			ended = true
			stop()
		}
	})
	broke := stream.Connect()
	if ended || broke == nil {
		return err
	}
	return fmt.Errorf("%s: %w", r.base, broke)
}

// streams refuses an answer that is no stream, with what it says.
func (r *remote) streams(got *http.Response) error {
	if got.StatusCode == http.StatusOK {
		return sse.DefaultValidator(got)
	}
	text, err := io.ReadAll(io.LimitReader(got.Body, 1<<20))
	if err != nil {
		return err
	}
	return r.refused(got, text)
}

// A news is something that a stream told: about the jobs of a pipeline, or a
// line of one.
type news struct {
	jobs []db.Job
	job  db.Job
	line server.LogLine
	over bool // the stream of job, or of the pipeline, has ended
	err  error
}

// A tail prints the logs of a pipeline of a daemon as that tells of them:
// nothing is asked again and again.
type tail struct {
	*reader
	remote *remote
	heard  chan news
	known  map[int64]map[int]db.Step // the steps of each job, by number
	open   int                       // streams that have not ended
}

// stream prints a pipeline of a daemon until it has ended.
func (r *reader) stream(ctx context.Context, from *remote, p db.Pipeline) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	t := &tail{reader: r, remote: from, heard: make(chan news, 256), known: map[int64]map[int]db.Step{}, open: 1}
	go t.states(ctx, p.ID)
	for t.open > 0 {
		if err := t.take(ctx, <-t.heard); err != nil {
			return err
		}
		if len(t.heard) == 0 {
			if err := r.out.Flush(); err != nil {
				return err
			}
		}
	}
	jobs, err := from.Jobs(ctx, p.ID)
	if err != nil {
		return err
	}
	return r.missing(p, jobs)
}

// states hears of the pipeline's jobs.
func (t *tail) states(ctx context.Context, pipeline int64) {
	err := t.remote.listen(ctx, fmt.Sprintf("/pipelines/%d/events", pipeline), func(name, data string) error {
		var one server.Job
		var all server.Pipeline
		var jobs []db.Job
		var err error
		switch name {
		case "pipeline":
			err = json.Unmarshal([]byte(data), &all)
		case "job":
			err = json.Unmarshal([]byte(data), &one)
			all.Jobs = []server.Job{one}
		}
		for _, j := range all.Jobs {
			jobs = append(jobs, fromJob(j))
		}
		t.tell(ctx, news{jobs: jobs})
		return err
	})
	t.tell(ctx, news{over: true, err: err})
}

// lines hears what a job writes.
func (t *tail) lines(ctx context.Context, j db.Job) {
	err := t.remote.listen(ctx, fmt.Sprintf("/jobs/%d/log?follow=true", j.ID), func(name, data string) error {
		if name != "line" {
			return nil
		}
		n := news{job: j}
		err := json.Unmarshal([]byte(data), &n.line)
		t.tell(ctx, n)
		return err
	})
	t.tell(ctx, news{job: j, over: true, err: err})
}

func (t *tail) tell(ctx context.Context, n news) {
	select {
	case t.heard <- n:
	case <-ctx.Done():
		if n.over { // the loop may wait for exactly this
			select {
			case t.heard <- n:
			default:
			}
		}
	}
}

// take does what news ask for.
func (t *tail) take(ctx context.Context, n news) error {
	switch {
	case n.err != nil && ctx.Err() == nil:
		return n.err
	case n.over:
		t.open--
		if n.job.ID != 0 {
			return t.learn(ctx, n.job, 0) // also of steps that wrote nothing
		}
		return context.Cause(ctx)
	case n.job.ID == 0:
		for _, j := range n.jobs {
			t.begin(ctx, j)
		}
		return nil
	}
	if err := t.learn(ctx, n.job, n.line.Step); err != nil {
		return err
	}
	if s := t.known[n.job.ID][n.line.Step]; t.wants(s) {
		text := n.line.Text
		if !n.line.Goes {
			text += "\n"
		}
		t.print(n.job, s, []byte(text))
	}
	return nil
}

// begin follows a job that has started, once.
func (t *tail) begin(ctx context.Context, j db.Job) {
	t.parallel[j.Position] = t.parallel[j.Position] || j.Node > 0
	if t.job != "" && !called(j, t.job) {
		return
	}
	t.found++
	if t.over[j.ID] || j.Start.IsZero() && !j.Status.Ended() {
		return
	}
	t.over[j.ID] = true
	t.open++
	go t.lines(ctx, j)
}

// learn reads the steps of a job, where step is not known yet.
func (t *tail) learn(ctx context.Context, j db.Job, step int) error {
	if _, known := t.known[j.ID][step]; known {
		return nil
	}
	all, err := t.remote.Steps(ctx, j.ID)
	if err != nil {
		return errors.Join(err, ctx.Err())
	}
	t.known[j.ID] = map[int]db.Step{}
	for _, s := range all {
		t.known[j.ID][s.Number] = s
		if t.wants(s) {
			t.steps++
		}
	}
	return nil
}
