package server

import (
	"context"
	"net/http"
	"strconv"

	"github.com/julienschmidt/httprouter"

	"github.com/popsicle-ci/popsicle/db"
)

var jobQuery = []string{"step", "line", "q", "bare"}

// A jobView is what the page of a job shows.
type jobView struct {
	Job
	Pipeline Pipeline
	Actions  []action
	Steps    []stepView
	Place    string // where to follow the log from; empty: it has ended
	Query    string
	Search   *search // nil: nothing was searched
}

// A stepView is one step with a part of its log.
type stepView struct {
	Step
	Job   int64
	Open  bool
	Total int64 // lines it wrote
	Rows  []row // those that are shown
}

// First is the first line shown, counted from 1; 0: none is.
func (s stepView) First() int64 {
	if len(s.Rows) == 0 {
		return 0
	}
	return s.Rows[0].Line
}

// Last is the last line shown.
func (s stepView) Last() int64 {
	if len(s.Rows) == 0 {
		return 0
	}
	return s.Rows[len(s.Rows)-1].Line
}

// Earlier is a line of the part before the one that is shown.
func (s stepView) Earlier() int64 { return max(s.First()-pageRows, 1) }

// Later is a line of the part behind it.
func (s stepView) Later() int64 { return s.Last() + 1 }

// pageRows is how many lines of a step a page shows at the most.
const pageRows = 2 * blockRows

// mostOpen is how many steps are open without being asked for: the size of a
// page has a bound.
const mostOpen = 3

func (s *Server) jobPage(r *http.Request, p httprouter.Params) (*page, error) {
	j, err := s.jobOf(r.Context(), p)
	if err != nil {
		return nil, err
	}
	q := ask(r)
	chosen, line, bare := int(q.number("step", 0, 1, 1<<31-1)), q.number("line", 0, 1, 1<<62), q.yes("bare")
	if q.err != nil {
		return nil, q.err
	}
	in, err := s.History.Pipeline(r.Context(), j.PipelineID)
	if err != nil {
		return nil, err
	}
	steps, err := s.History.Steps(r.Context(), j.ID)
	if err != nil {
		return nil, err
	}
	v := jobView{Job: NewJob(j, nil), Pipeline: NewPipeline(in), Query: q.Get("q")}
	v.Actions = actionsOfJob(v.Job)
	if v.Steps, err = s.stepViews(r.Context(), j, steps, chosen, line, bare); err != nil {
		return nil, err
	}
	if v.Query != "" && !bare {
		if v.Search, err = s.search(r.Context(), j.ID, v.Query); err != nil {
			return nil, err
		}
	}
	made := &page{Title: j.Name + ", pipeline " + strconv.FormatInt(j.PipelineID, 10), Here: "pipelines", Body: &v}
	if !j.Status.Ended() {
		made.Refresh = jobRefresh
		v.Place, err = s.placeOf(r.Context(), j, v.Steps)
	}
	return made, err
}

// stepViews makes the steps of a job, with the logs of those that are open:
// the one that was chosen, else what failed and what runs.
func (s *Server) stepViews(ctx context.Context, j db.Job, steps []db.Step, chosen int, line int64, bare bool) ([]stepView, error) {
	views, open := make([]stepView, len(steps)), 0
	for i, one := range steps {
		v := stepView{Step: NewStep(one), Job: j.ID}
		var err error
		if v.Total, err = s.lineCount(ctx, j.ID, one.Number); err != nil {
			return nil, err
		}
		v.Open = v.Number == chosen
		if chosen == 0 && open < mostOpen {
			v.Open = v.Status == "failed" || v.Status == "timedout" || v.Status == "infrastructure_fail" || v.Status == "running"
		}
		if v.Open && !bare {
			open++
			from := v.Total // the end of a log says why
			if v.Number == chosen {
				from = max(line, 1)
			}
			if v.Rows, err = s.window(ctx, j.ID, v.Number, firstOf(from, v.Total), pageRows); err != nil {
				return nil, err
			}
		}
		views[i] = v
	}
	return views, nil
}

// firstOf is the line, counted from 0, that a part with a line of a log in it
// begins with: one more block is before it at the end of the log.
func firstOf(line, total int64) int64 {
	block := (max(min(line, total), 1) - 1) / blockRows
	if last := (max(total, 1) - 1) / blockRows; block == last && block > 0 {
		block--
	}
	return block * blockRows
}

// placeOf is where to follow a job from: the end of what its last step wrote.
func (s *Server) placeOf(ctx context.Context, j db.Job, steps []stepView) (string, error) {
	if len(steps) == 0 {
		return "", nil
	}
	end, err := s.History.SeekLine(ctx, j.ID, steps[len(steps)-1].Number, 1<<62)
	return end.String(), err
}
