package server

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"
	"github.com/klauspost/compress/gzhttp"

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

	challenge string // which token would have helped
	retry     int    // seconds after which it may be tried again
}

func (p *Problem) Error() string { return p.Detail }

// A response is an answer that needs more than a status 200 and a body.
type response struct {
	Status   int
	Body     any
	Location string // of what was made
}

// A verbatim answer is written as it is.
type verbatim struct {
	kind string
	text []byte
}

// A respond writes itself: a stream, a page, a file.
type respond interface {
	respond(w http.ResponseWriter, r *http.Request) error
}

// answerTime is how long the other side may take to read an answer that is
// no stream.
const answerTime = time.Minute

// serve makes a route of httprouter out of ours.
func (s *Server) serve(one route) httprouter.Handle {
	return func(w http.ResponseWriter, r *http.Request, p httprouter.Params) {
		began, seen := time.Now(), &watched{ResponseWriter: w, status: http.StatusOK}
		defer func() { s.counted(one, seen.status, time.Since(began)) }()
		if one.stream {
			s.take(seen, r, p, one)
			return
		}
		_ = http.NewResponseController(w).SetWriteDeadline(began.Add(answerTime)) // a recorder in tests has none
		compressed(func(w http.ResponseWriter, r *http.Request) { s.take(w, r, p, one) }).ServeHTTP(seen, r)
	}
}

// compressed answers with gzip where that is worth it and asked for. Answers
// hold no secret that a foreign page could guess by their size.
func compressed(h http.HandlerFunc) http.Handler { return gzhttp.GzipHandler(h) }

// take lets a route handle a request, and writes what it found.
func (s *Server) take(w http.ResponseWriter, r *http.Request, p httprouter.Params, one route) {
	r.Body = http.MaxBytesReader(w, r.Body, one.body)
	var err error
	if one.form {
		err = readForm(r)
	}
	if err == nil {
		r, err = s.admit(r, one.need)
	}
	if err == nil && one.query != nil {
		err = checkQuery(r.URL.RawQuery, one.query)
	}
	var found any
	if err == nil {
		found, err = one.handle(r, p)
	}
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
		if found.Location != "" {
			w.Header().Set("Location", found.Location)
		}
		writeJSON(w, r, found.Status, "application/json", found.Body)
	case verbatim:
		write(w, r, http.StatusOK, found.kind, found.text)
	default:
		writeJSON(w, r, http.StatusOK, "application/json", found)
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
	case errors.Is(err, db.ErrEnded), errors.Is(err, db.ErrNotWaiting):
		p.Status, p.Detail = http.StatusConflict, err.Error()
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
	if p.challenge != "" {
		w.Header().Set("WWW-Authenticate", p.challenge)
		if browses(r) && r.Method != http.MethodPost { // the form asks for it
			w.Header().Set("WWW-Authenticate", `Basic realm="popsicle: any name, and a token as the password"`)
		}
	}
	if p.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.retry))
	}
	if browses(r) {
		if shown, err := s.problemPage(p); err == nil {
			_ = shown.respond(w, r) // who has gone needs no answer
			return
		}
	}
	writeJSON(w, r, p.Status, "application/problem+json", p)
}

func writeJSON(w http.ResponseWriter, r *http.Request, status int, kind string, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "not to be written as JSON", http.StatusInternalServerError)
		return
	}
	write(w, r, status, kind, append(text, '\n'))
}

// write writes an answer. One that was found has a tag, and who has it
// already is told so in place of it: https://www.rfc-editor.org/rfc/rfc9110#section-13.
func write(w http.ResponseWriter, r *http.Request, status int, kind string, text []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	if status == http.StatusOK {
		sum := sha256.Sum256(text)
		tag := `"` + hex.EncodeToString(sum[:12]) + `"`
		h.Set("ETag", "W/"+tag) // weak: it may come compressed
		h.Set("Cache-Control", "private, no-cache")
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) && hasTag(r.Header.Get("If-None-Match"), tag) {
			h.Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(text) // who has gone needs no answer
}

// hasTag says whether a list of tags has one, weak or not.
func hasTag(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}
