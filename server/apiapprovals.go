package server

import (
	"net/http"

	"github.com/julienschmidt/httprouter"

	"github.com/popsicle-ci/popsicle/db"
)

// An Answer is what somebody says of an approval job. That it approves has to
// be said: a body that forgot it must not.
type Answer struct {
	Approve *bool `json:"approve"` // false ends the job as canceled
}

// A Decision is the answer that counts: the first.
type Decision struct {
	Job      int64  `json:"job"` // its id
	Approved bool   `json:"approved"`
	By       string `json:"by"`
}

// decide answers an approval job.
func (s *Server) decide(r *http.Request, p httprouter.Params) (any, error) {
	var said Answer
	id, err := key(p, "job")
	if err == nil {
		err = readBody(r, &said)
	}
	if err == nil {
		_, err = s.History.Job(r.Context(), id)
	}
	if err != nil {
		return nil, err
	}
	if said.Approve == nil {
		return nil, badRequest(`say {"approve": true} or {"approve": false}`)
	}
	_, d, err := s.answerJob(r, id, *said.Approve)
	return response{Status: http.StatusAccepted, Body: d}, err
}

// answerJob answers an approval job, and returns the answer that counts.
func (s *Server) answerJob(r *http.Request, id int64, approve bool) (j db.Job, d Decision, err error) {
	j, err = s.History.Job(r.Context(), id)
	switch {
	case err != nil:
		return j, d, err
	case j.Kind != "approval":
		return j, d, &Problem{Status: http.StatusConflict, Detail: "job " + j.Name + " is not one that waits for an approval"}
	}
	if err := s.History.Answer(r.Context(), j.PipelineID, j.Position, db.Approval{Approved: approve, By: by(r)}); err != nil {
		return j, d, err
	}
	a, _, err := s.History.Approval(r.Context(), j.PipelineID, j.Position)
	if err == nil && a.Approved != approve {
		err = &Problem{Status: http.StatusConflict, Detail: "job " + j.Name + " was answered before, by " + a.By + ", and the first answer counts"}
	}
	return j, Decision{j.ID, a.Approved, a.By}, err
}
