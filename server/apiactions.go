package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/julienschmidt/httprouter"
)

// bodySize is how large the body of a request to the API may be.
const bodySize = 64 << 10

// An Order asks for a new pipeline.
type Order struct {
	Repo string `json:"repo"` // owner/name, as the daemon knows it
	Ref  string `json:"ref"`  // a branch, a tag or a commit
	By   string `json:"-"`    // who asks
}

// A Rerun asks to run a pipeline again, on the same commit.
type Rerun struct {
	Pipeline   int64  `json:"-"`
	FailedOnly bool   `json:"failed_only"` // leave out the jobs that passed
	By         string `json:"-"`
}

// Accepted is the answer to a request that something else will fulfil.
type Accepted struct {
	Number int64 `json:"number"` // of the pipeline
}

// create makes a pipeline of a repository and a ref.
func (s *Server) create(r *http.Request, _ httprouter.Params) (any, error) {
	order := Order{By: by(r)}
	if err := readBody(r, &order); err != nil {
		return nil, err
	}
	switch {
	case order.Repo == "" || order.Ref == "":
		return nil, badRequest(`the body has to name both: {"repo": "owner/name", "ref": "main"}`)
	case s.Launch == nil:
		return nil, notHere("start pipelines")
	}
	number, err := s.Launch(r.Context(), order)
	return created(number), err
}

// cancel asks whoever runs a pipeline to end it.
func (s *Server) cancel(r *http.Request, p httprouter.Params) (any, error) {
	number, err := s.act(r, p, &struct{}{})
	if err != nil {
		return nil, err
	}
	return response{Status: http.StatusAccepted, Body: Accepted{number}}, s.end(r, number)
}

// end ends a pipeline that exists.
func (s *Server) end(r *http.Request, number int64) error {
	if s.Cancel != nil {
		return s.Cancel(r.Context(), number, by(r))
	}
	return s.History.RequestCancel(r.Context(), number, by(r))
}

// rerun runs a pipeline again.
func (s *Server) rerun(r *http.Request, p httprouter.Params) (any, error) {
	var again Rerun
	number, err := s.act(r, p, &again)
	if err == nil {
		number, err = s.again(r, number, again.FailedOnly)
	}
	return created(number), err
}

// again runs a pipeline that exists again.
func (s *Server) again(r *http.Request, number int64, failedOnly bool) (int64, error) {
	if s.Rerun == nil {
		return 0, notHere("run pipelines again")
	}
	return s.Rerun(r.Context(), Rerun{Pipeline: number, FailedOnly: failedOnly, By: by(r)})
}

// approve lets a pipeline that is on hold go on.
func (s *Server) approve(r *http.Request, p httprouter.Params) (any, error) {
	number, err := s.act(r, p, &struct{}{})
	if err == nil {
		err = s.letRun(r, number)
	}
	return response{Status: http.StatusAccepted, Body: Accepted{number}}, err
}

// letRun approves a pipeline that exists, as a whole.
func (s *Server) letRun(r *http.Request, number int64) error {
	if s.Approve == nil {
		return notHere("approve pipelines")
	}
	return s.Approve(r.Context(), number, by(r))
}

// act reads the body of a request about a pipeline that has to exist.
func (s *Server) act(r *http.Request, p httprouter.Params, body any) (int64, error) {
	if err := readBody(r, body); err != nil {
		return 0, err
	}
	return s.numberOf(r, p)
}

// numberOf is the number of a pipeline that exists.
func (s *Server) numberOf(r *http.Request, p httprouter.Params) (int64, error) {
	number, err := key(p, "pipeline")
	if err == nil {
		_, err = s.History.Pipeline(r.Context(), number)
	}
	return number, err
}

// by says in the history who asked.
func by(r *http.Request) string { return "token " + caller(r) }

func created(number int64) response {
	return response{Status: http.StatusCreated, Body: Accepted{number}, Location: fmt.Sprintf("/api/v1/pipelines/%d", number)}
}

func notHere(what string) *Problem {
	return &Problem{Status: http.StatusNotImplemented, Detail: "this server cannot " + what + ": popsicle daemon can"}
}

// readBody reads a JSON object, and nothing that it does not know. The type
// has to be said, because a form of a foreign page cannot say it.
func readBody(r *http.Request, into any) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return &Problem{Status: http.StatusUnsupportedMediaType, Detail: "send JSON, with Content-Type: application/json; {} where there is nothing to say"}
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return wrongBody(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badRequest("the body has to be one JSON object")
	}
	return nil
}

func wrongBody(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return err
	}
	return badRequest("the body is not what was asked for: %s", err)
}
