package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/julienschmidt/httprouter"

	"github.com/popsicle-ci/popsicle/db"
)

// A Problem is an answer that says what went wrong, the one shape of all
// errors: https://www.rfc-editor.org/rfc/rfc9457.
type Problem struct {
	Kind      string `json:"type,omitempty"` // a URI reference; empty: the status says it all
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`     // of this one time, and what to do
	RequestID string `json:"request_id,omitempty"` // names the request in the log
}

func (p *Problem) Error() string { return p.Detail }

// A response is an answer that needs more than a status 200 and a body.
type response struct {
	Status int
	Body   any
}

// A respond writes itself: a stream, a page, a file.
type respond interface {
	respond(w http.ResponseWriter, r *http.Request) error
}

// serve makes a route of httprouter out of ours.
func (s *Server) serve(one route) httprouter.Handle {
	return func(w http.ResponseWriter, r *http.Request, p httprouter.Params) {
		r.Body = http.MaxBytesReader(w, r.Body, one.body)
		found, err := one.handle(r, p)
		if err != nil {
			s.writeProblem(w, r, err)
			return
		}
		switch found := found.(type) {
		case respond:
			if err := found.respond(w, r); err != nil {
				s.logger().WarnContext(r.Context(), "an answer was not written to its end", "path", r.URL.Path, "error", err)
			}
		case response:
			writeJSON(w, found.Status, "application/json", found.Body)
		default:
			writeJSON(w, http.StatusOK, "application/json", found)
		}
	}
}

// problem says what an error is to the one who asked. What is our own failure
// is told in the log alone.
func (s *Server) problem(r *http.Request, err error) *Problem {
	var known *Problem
	var large *http.MaxBytesError
	p := &Problem{}
	switch {
	case errors.As(err, &known):
		*p = *known
	case errors.As(err, &large):
		p.Status, p.Detail = http.StatusRequestEntityTooLarge, "the body may have "+strconv.FormatInt(large.Limit, 10)+" bytes"
	case errors.Is(err, db.ErrNotFound):
		p.Status, p.Detail = http.StatusNotFound, err.Error()
	default:
		p.Status, p.Detail = http.StatusInternalServerError, "the log of the daemon says more, under this request_id"
		s.logger().ErrorContext(r.Context(), "request failed", "request", requestID(r), "path", r.URL.Path, "error", err)
	}
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	p.RequestID = requestID(r)
	return p
}

func (s *Server) writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := s.problem(r, err)
	writeJSON(w, p.Status, "application/problem+json", p)
}

func writeJSON(w http.ResponseWriter, status int, kind string, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "not to be written as JSON", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // who has gone needs no answer
}
