package server

import (
	"context"
	"net/http"
	"strconv"

	"github.com/julienschmidt/httprouter"

	"github.com/popsicle-ci/popsicle/db"
)

// The size of a page of a list.
const (
	pageSize    = 20
	largestPage = 100
)

// statuses are those of a pipeline.
var statuses = []string{
	"queued", "running", "on_hold", "success", "failed", "canceled", "not_run", "timedout", "infrastructure_fail", "interrupted",
}

var pipelineQuery = []string{"branch", "status", "repo", "root", "trigger", "commit", "tree", "cursor", "limit"}

// listPipelines lists pipelines, newest first. The cursor is the number of
// the last one seen: what is added later is above the page, and moves nothing.
func (s *Server) listPipelines(r *http.Request, _ httprouter.Params) (any, error) {
	f, err := pipelineFilter(ask(r))
	if err != nil {
		return nil, err
	}
	page := f.Limit
	f.Limit++ // one more tells whether there is a next page
	found, err := s.History.Pipelines(r.Context(), f)
	if err != nil {
		return nil, err
	}
	more := len(found) > page
	if more {
		found = found[:page]
	}
	l := list(found, NewPipeline)
	if more {
		l.Next = strconv.FormatInt(found[page-1].ID, 10)
	}
	return l, nil
}

func pipelineFilter(q *query) (db.PipelineFilter, error) {
	f := db.PipelineFilter{
		Branch: q.Get("branch"), Repo: q.Get("repo"), Root: q.Get("root"), Trigger: q.word("trigger", "cli", "webhook", "api", "schedule", "poll"),
		Commit: q.hash("commit"), Tree: q.hash("tree"), Before: q.number("cursor", 0, 1, 1<<62),
		Limit: int(q.number("limit", pageSize, 1, largestPage)),
	}
	assign(&f.Status, q.word("status", statuses...))
	return f, q.err
}

// pipeline answers one pipeline with its jobs.
func (s *Server) pipeline(r *http.Request, p httprouter.Params) (any, error) {
	found, jobs, err := s.pipelineJobs(r.Context(), p)
	if err != nil {
		return nil, err
	}
	out := NewPipeline(found)
	for _, j := range jobs {
		out.Jobs = append(out.Jobs, NewJob(j, nil))
	}
	return out, s.asked(r.Context(), &out)
}

// pipelineJobs reads the pipeline that a path names, and its jobs.
func (s *Server) pipelineJobs(ctx context.Context, p httprouter.Params) (found db.Pipeline, jobs []db.Job, err error) {
	number, err := key(p, "pipeline")
	if err != nil {
		return found, nil, err
	}
	if found, err = s.History.Pipeline(ctx, number); err != nil {
		return found, nil, err
	}
	jobs, err = s.History.Jobs(ctx, number)
	return found, jobs, err
}

// assign sets a word whose type stands on a floor that is not seen from here.
func assign[Word ~string](to *Word, text string) { *to = Word(text) }

func (s *Server) pipelineJobList(r *http.Request, p httprouter.Params) (any, error) {
	_, jobs, err := s.pipelineJobs(r.Context(), p)
	return list(jobs, func(j db.Job) Job { return NewJob(j, nil) }), err
}
