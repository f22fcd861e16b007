package server

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/julienschmidt/httprouter"

	"github.com/popsicle-ci/popsicle/db"
)

// A pipelineView is what the page of a pipeline shows.
type pipelineView struct {
	Pipeline
	CommitURL, BranchURL string // at the host of the repository; empty: not known
	Actions              []action
	Graphs               []drawing
	Messages             []Message
	Failed               []testView // the first few
	Tests                testCounts
	Artifacts            int
}

// testCounts says how many tests ended in which way.
type testCounts struct{ Passed, Failed, Skipped int }

// All is how many tests there are.
func (c testCounts) All() int { return c.Passed + c.Failed + c.Skipped }

// A testView is one test.
type testView struct {
	Job     int64
	JobName string
	Name    string
	Class   string
	File    string
	Result  string
	Seconds float64
	Message string
}

// shownTests is how many failed tests the page of a pipeline shows, listed
// how many tests and artifacts their own pages do.
const (
	shownTests = 20
	listed     = 2000
)

func (s *Server) pipelinePage(r *http.Request, p httprouter.Params) (*page, error) {
	found, jobs, err := s.pipelineJobs(r.Context(), p)
	if err != nil {
		return nil, err
	}
	v := pipelineView{Pipeline: NewPipeline(found)}
	v.Jobs = list(jobs, func(j db.Job) Job { return NewJob(j, nil) }).Items
	v.Actions = actionsOf(v.Pipeline)
	if home := s.home(r, v.Repo); home != "" {
		v.CommitURL = home + "/commit/" + url.PathEscape(v.Commit)
		v.BranchURL = home + "/tree/" + (&url.URL{Path: v.Branch}).EscapedPath()
	}
	workflows, err := s.History.Workflows(r.Context(), found.ID)
	if err != nil {
		return nil, err
	}
	v.Graphs = drawAll(list(workflows, newWorkflow).Items, v.Jobs)
	if err := s.results(r, found.ID, &v); err != nil {
		return nil, err
	}
	made := &page{Title: "Pipeline " + strconv.FormatInt(found.ID, 10), Here: "pipelines", Body: v}
	if !found.Status.Ended() {
		made.Events = "/api/v1/pipelines/" + strconv.FormatInt(found.ID, 10) + "/events"
	}
	return made, nil
}

// results reads what a pipeline left: messages, tests, artifacts.
func (s *Server) results(r *http.Request, pipeline int64, v *pipelineView) error {
	messages, err := s.History.Messages(r.Context(), pipeline)
	if err != nil {
		return err
	}
	v.Messages = list(messages, newMessage).Items
	if v.Tests, err = s.testCounts(r, pipeline); err != nil {
		return err
	}
	if v.Tests.Failed > 0 {
		if v.Failed, _, err = s.testViews(r, pipeline, true, shownTests); err != nil {
			return err
		}
	}
	for _, err := range s.History.Artifacts(r.Context(), pipeline) {
		if err != nil {
			return err
		}
		v.Artifacts++
	}
	return nil
}

func (s *Server) testCounts(r *http.Request, pipeline int64) (c testCounts, err error) {
	counts, err := s.History.TestCounts(r.Context(), pipeline)
	for result, n := range counts {
		switch string(result) {
		case "success":
			c.Passed += n
		case "skipped":
			c.Skipped += n
		default:
			c.Failed += n
		}
	}
	return c, err
}

// testViews reads the tests of a pipeline, most of them at the most; more says
// that there are others.
func (s *Server) testViews(r *http.Request, pipeline int64, failed bool, most int) (all []testView, more bool, err error) {
	for t, err := range s.History.Tests(r.Context(), pipeline, failed) {
		if err != nil {
			return nil, false, err
		}
		if len(all) == most {
			return all, true, nil
		}
		all = append(all, testView{t.JobID, t.Job, t.Name, t.Class, t.File, string(t.Result), t.Seconds, t.Message})
	}
	return all, false, nil
}

// A testsView is what the page of a pipeline's tests shows.
type testsView struct {
	Pipeline int64
	All      bool // not only those that failed
	Counts   testCounts
	Tests    []testView
	More     bool
}

func (s *Server) testsPage(r *http.Request, p httprouter.Params) (*page, error) {
	found, _, err := s.pipelineJobs(r.Context(), p)
	if err != nil {
		return nil, err
	}
	q := ask(r)
	v := testsView{Pipeline: found.ID, All: q.yes("all")}
	if q.err != nil {
		return nil, q.err
	}
	if v.Counts, err = s.testCounts(r, found.ID); err != nil {
		return nil, err
	}
	v.All = v.All || v.Counts.Failed == 0
	v.Tests, v.More, err = s.testViews(r, found.ID, !v.All, listed)
	return &page{Title: "Tests of pipeline " + strconv.FormatInt(found.ID, 10), Here: "pipelines", Body: v}, err
}

// An artifactsView is what the page of a pipeline's artifacts shows.
type artifactsView struct {
	Pipeline  int64
	Artifacts []Artifact
	Bytes     int64
	More      bool
}

func (s *Server) artifactsPage(r *http.Request, p httprouter.Params) (*page, error) {
	found, _, err := s.pipelineJobs(r.Context(), p)
	if err != nil {
		return nil, err
	}
	v := artifactsView{Pipeline: found.ID}
	for a, err := range s.History.Artifacts(r.Context(), found.ID) {
		if err != nil {
			return nil, err
		}
		if len(v.Artifacts) == listed {
			v.More = true
			break
		}
		v.Artifacts = append(v.Artifacts, newArtifact(a))
		v.Bytes += a.Size
	}
	return &page{Title: "Artifacts of pipeline " + strconv.FormatInt(found.ID, 10), Here: "pipelines", Body: v}, nil
}
