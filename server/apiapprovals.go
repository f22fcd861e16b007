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
	if err != nil {
		return nil, err
	}
	j, err := s.History.Job(r.Context(), id)
	switch {
	case err != nil:
		return nil, err
	case said.Approve == nil:
		return nil, badRequest(`say {"approve": true} or {"approve": false}`)
	case j.Kind != "approval":
		return nil, &Problem{Status: http.StatusConflict, Detail: "job " + j.Name + " is not one that waits for an approval"}
	}
	if err := s.History.Answer(r.Context(), j.PipelineID, j.Position, db.Approval{Approved: *said.Approve, By: by(r)}); err != nil {
		return nil, err
	}
	a, _, err := s.History.Approval(r.Context(), j.PipelineID, j.Position)
	if err != nil {
		return nil, err
	}
	if a.Approved != *said.Approve {
		return nil, &Problem{Status: http.StatusConflict, Detail: "job " + j.Name + " was answered before, by " + a.By + ", and the first answer counts"}
	}
	return response{Status: http.StatusAccepted, Body: Decision{j.ID, a.Approved, a.By}}, nil
}
