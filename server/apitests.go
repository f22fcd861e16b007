package server

import (
	"fmt"
	"net/http"

	"github.com/julienschmidt/httprouter"

	"github.com/popsicle-ci/popsicle/db"
)

var testQuery = []string{"failed", "cursor", "limit"}

// A Test is one test that a job ran.
type Test struct {
	Job      int64   `json:"job"` // its id
	Workflow string  `json:"workflow"`
	JobName  string  `json:"job_name"`
	Node     int     `json:"node"`
	Suite    string  `json:"suite,omitempty"`
	Class    string  `json:"classname,omitempty"`
	Name     string  `json:"name"`
	File     string  `json:"file,omitempty"`
	Result   string  `json:"result"`
	Seconds  float64 `json:"seconds"`
	Message  string  `json:"message,omitempty"`
}

func newTest(t db.Test) Test {
	return Test{
		Job: t.JobID, Workflow: t.Workflow, JobName: t.Job, Node: t.Node, Suite: t.Suite, Class: t.Class,
		Name: t.Name, File: t.File, Result: string(t.Result), Seconds: t.Seconds, Message: t.Message,
	}
}

// Tests is one page of tests, and how all tests of the pipeline ended.
type Tests struct {
	List[Test]
	Counts map[string]int `json:"counts"`
}

// tests lists the tests of a pipeline, in the order of its plan and then as
// they were read.
func (s *Server) tests(r *http.Request, p httprouter.Params) (any, error) {
	found, jobs, err := s.pipelineJobs(r.Context(), p)
	if err != nil {
		return nil, err
	}
	return s.listTests(r, found.ID, jobs)
}

// jobTests lists the tests of one job.
func (s *Server) jobTests(r *http.Request, p httprouter.Params) (any, error) {
	j, err := s.jobOf(r.Context(), p)
	if err != nil {
		return nil, err
	}
	return s.listTests(r, j.PipelineID, []db.Job{j})
}

// listTests answers a page of the tests of some jobs. The cursor is a job and
// how many of its tests were seen: a job adds tests behind those it has.
func (s *Server) listTests(r *http.Request, pipeline int64, jobs []db.Job) (any, error) {
	q, rank := ask(r), ranks(jobs)
	limit, after, failed := int(q.number("limit", keptPage, 1, largestKeptPage)), q.mark(rank), q.yes("failed")
	seen, ok := digits(after.rest)
	if after.rank >= 0 && !ok {
		q.fail("cursor=%.80q: want the next of the page before", q.Get("cursor"))
	}
	if q.err != nil {
		return nil, q.err
	}
	counts, err := s.History.TestCounts(r.Context(), pipeline)
	if err != nil {
		return nil, err
	}
	page := Tests{List[Test]{Items: []Test{}}, map[string]int{}}
	for result, n := range counts {
		page.Counts[string(result)] = n
	}
	passed := map[int64]int64{} // tests of each job up to here
	for t, err := range s.History.Tests(r.Context(), pipeline, failed) {
		if err != nil {
			return nil, err
		}
		at, wanted := rank[t.JobID]
		if wanted && len(page.Items) == limit {
			last := page.Items[limit-1].Job
			page.Next = fmt.Sprintf("%d/%d", last, passed[last])
			break
		}
		passed[t.JobID]++
		if wanted && (at > after.rank || at == after.rank && passed[t.JobID] > seen) {
			page.Items = append(page.Items, newTest(t))
		}
	}
	return page, nil
}
