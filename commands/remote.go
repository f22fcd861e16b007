package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/server"
)

// A remote is the history of a daemon, read over its API.
type remote struct {
	base   string
	token  string
	client *http.Client
}

func openRemote(name string) (*remote, error) {
	e, err := findRemote(name)
	if err != nil {
		return nil, err
	}
	wire := http.DefaultTransport.(*http.Transport).Clone()
	wire.ResponseHeaderTimeout = time.Minute // an artifact may take as long as it comes
	return &remote{strings.TrimSuffix(e.URL, "/") + "/api/v1", e.Token, &http.Client{Transport: wire}}, nil
}

// Close lets go of the connections.
func (r *remote) Close() error {
	r.client.CloseIdleConnections()
	return nil
}

// Pipelines lists what f asks for, newest first, a page after the other. The
// checkout is one of this machine, and filters nothing there.
func (r *remote) Pipelines(ctx context.Context, f db.PipelineFilter) ([]db.Pipeline, error) {
	query := url.Values{}
	for name, value := range map[string]string{
		"repo": f.Repo, "branch": f.Branch, "trigger": f.Trigger, "commit": f.Commit, "tree": f.Tree, "status": string(f.Status),
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	var all []db.Pipeline
	for {
		query.Set("limit", strconv.Itoa(min(100, max(1, f.Limit-len(all)))))
		if f.Limit == 0 {
			query.Set("limit", "100")
		}
		var page server.List[server.Pipeline]
		if err := r.get(ctx, "/pipelines?"+query.Encode(), &page); err != nil {
			return nil, err
		}
		for _, p := range page.Items {
			all = append(all, fromPipeline(p))
		}
		if page.Next == "" || f.Limit > 0 && len(all) >= f.Limit {
			return all, nil
		}
		query.Set("cursor", page.Next)
	}
}

// Pipeline returns one pipeline.
func (r *remote) Pipeline(ctx context.Context, number int64) (db.Pipeline, error) {
	var p server.Pipeline
	err := r.get(ctx, fmt.Sprintf("/pipelines/%d", number), &p)
	return fromPipeline(p), err
}

// Jobs returns the jobs of a pipeline in the order of its plan.
func (r *remote) Jobs(ctx context.Context, pipeline int64) ([]db.Job, error) {
	var page server.List[server.Job]
	err := r.get(ctx, fmt.Sprintf("/pipelines/%d/jobs", pipeline), &page)
	var jobs []db.Job
	for _, j := range page.Items {
		jobs = append(jobs, fromJob(j))
	}
	return jobs, err
}

// Steps returns the steps of a job.
func (r *remote) Steps(ctx context.Context, job int64) ([]db.Step, error) {
	var page server.List[server.Step]
	err := r.get(ctx, fmt.Sprintf("/jobs/%d/steps", job), &page)
	var steps []db.Step
	for _, s := range page.Items {
		steps = append(steps, fromStep(job, s))
	}
	return steps, err
}

// Messages lists the warnings of a pipeline.
func (r *remote) Messages(ctx context.Context, pipeline int64) (all []db.Message, err error) {
	for m, err := range pages[server.Message](ctx, r, fmt.Sprintf("/pipelines/%d/messages", pipeline), url.Values{}) {
		if err != nil {
			return nil, err
		}
		all = append(all, db.Message{Job: m.Job, Node: m.Node, Step: m.Step, Time: time.Time(m.Time), Level: event.Level(m.Level), Text: m.Text})
	}
	return all, nil
}

// Lines reads a job's log from a cursor on.
func (r *remote) Lines(ctx context.Context, q db.LogQuery) (db.Page, error) {
	query := url.Values{"limit": {"1048576"}}
	if from := q.From.String(); from != "" {
		query.Set("from", from)
	}
	if q.Step > 0 {
		query.Set("step", strconv.Itoa(q.Step))
	}
	var page server.LogPage
	if err := r.get(ctx, fmt.Sprintf("/jobs/%d/lines?%s", q.Job, query.Encode()), &page); err != nil {
		return db.Page{}, err
	}
	out := db.Page{More: page.More, Ended: page.Ended}
	for _, p := range page.Pieces {
		text := p.Bytes
		if text == nil {
			text = []byte(p.Text)
		}
		out.Pieces = append(out.Pieces, db.Piece{Step: p.Step, Offset: p.Offset, Line: p.Line, Time: time.Time(p.Time), Text: text})
	}
	var err error
	out.Next, err = db.ParseCursor(page.Next)
	return out, err
}

// Cancel asks the daemon to end a pipeline.
func (r *remote) Cancel(ctx context.Context, number int64) error {
	return r.send(ctx, http.MethodPost, fmt.Sprintf("/pipelines/%d/cancel", number), struct{}{}, &server.Accepted{})
}

func (r *remote) get(ctx context.Context, path string, into any) error {
	return r.send(ctx, http.MethodGet, path, nil, into)
}

// mostRetries is how often a request is sent again that came too fast.
const mostRetries = 8

// send asks the daemon, and reads its answer into into.
func (r *remote) send(ctx context.Context, method, path string, body, into any) error {
	got, err := r.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(io.LimitReader(got.Body, 256<<20))
	if err != nil {
		return fmt.Errorf("%s: %w", r.base, err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: not the answer of a daemon: %w", r.base, err)
	}
	return nil
}

// do asks the daemon for what it does not refuse. Where it says that this
// comes too fast, it is asked again when it wants to be.
func (r *remote) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	for try := 0; ; try++ {
		q, err := r.request(ctx, method, path, body)
		if err != nil {
			return nil, err
		}
		got, err := r.client.Do(q)
		if err != nil {
			return nil, fmt.Errorf("%w; is the daemon there, and its address right?", err)
		}
		if got.StatusCode < 300 {
			return got, nil
		}
		text, err := io.ReadAll(io.LimitReader(got.Body, 1<<20))
		if err = errors.Join(err, got.Body.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", r.base, err)
		}
		if got.StatusCode != http.StatusTooManyRequests || try == mostRetries {
			return nil, r.refused(got, text)
		}
		wait, _ := strconv.Atoi(got.Header.Get("Retry-After")) // 0 where it is a date, and that is fine
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(min(max(wait, 1), 60)) * time.Second):
		}
	}
}

func (r *remote) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	q, err := http.NewRequestWithContext(ctx, method, r.base+path, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	if r.token != "" {
		q.Header.Set("Authorization", "Bearer "+r.token)
	}
	return q, nil
}

// refused is the error that an answer tells.
func (r *remote) refused(got *http.Response, text []byte) error {
	var p server.Problem
	if json.Unmarshal(text, &p) != nil || p.Title == "" {
		p = server.Problem{Status: got.StatusCode, Title: got.Status}
	}
	err := errors.New(strings.TrimPrefix(p.Title+": "+p.Detail, "Not Found: "))
	switch got.StatusCode {
	case http.StatusNotFound, http.StatusConflict, http.StatusBadRequest:
		return usageErr{err}
	}
	return fmt.Errorf("%s: %w", r.base, err)
}

func fromPipeline(p server.Pipeline) db.Pipeline {
	out := db.Pipeline{
		ID: p.Number, Status: event.Status(p.Status), Reason: p.Reason, Repo: p.Repo, Root: p.Root, Commit: p.Commit, Branch: p.Branch, Tag: p.Tag,
		Subject: p.Subject, Author: p.Author, Trigger: p.Trigger, Source: p.Source, Tree: p.Tree, TreeFiles: p.TreeFiles, TreeBytes: p.TreeBytes,
		Changed: p.Changed, Dirty: p.Dirty, Unstable: p.Unstable, EqualsCommit: p.EqualsCommit, Partial: p.Partial, ConfigHash: p.ConfigHash, Version: p.Version,
		Queued: time.Time(p.QueuedAt), Start: time.Time(p.StartedAt), End: time.Time(p.EndedAt),
		PlannedJobs: p.PlannedJobs, Jobs: map[event.Status]int{},
	}
	for status, n := range p.JobCounts {
		out.Jobs[event.Status(status)] = n
	}
	return out
}

func fromJob(j server.Job) db.Job {
	return db.Job{
		ID: j.ID, PipelineID: j.Pipeline, Workflow: j.Workflow, Name: j.Name, Position: j.Position, Node: j.Node, Kind: j.Kind,
		Status: event.Status(j.Status), Reason: j.Reason, Requires: j.Requires, Image: j.Image, ImageDigest: j.ImageDigest, Arch: j.Arch,
		Emulated: j.Emulated, User: j.User, WorkDir: j.WorkDir, Engine: j.Engine, PlanHash: j.PlanHash, EnvNames: j.EnvNames,
		Queued: time.Time(j.QueuedAt), Start: time.Time(j.StartedAt), End: time.Time(j.EndedAt), PlannedSteps: j.PlannedSteps, LogBytes: j.LogBytes,
	}
}

func fromStep(job int64, s server.Step) db.Step {
	return db.Step{
		JobID: job, Number: s.Number, Name: s.Name, Kind: s.Kind, Status: event.Status(s.Status), ExitCode: s.ExitCode, Reason: s.Reason,
		Background: s.Background, Command: s.Command, Shell: s.Shell, File: s.File, Line: s.Line,
		Start: time.Time(s.StartedAt), End: time.Time(s.EndedAt), LogBytes: s.LogBytes, LogLines: s.LogLines,
	}
}
