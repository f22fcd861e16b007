package server

import (
	"context"
	"net/http"
	"unicode/utf8"

	"github.com/julienschmidt/httprouter"

	"github.com/popsicle-ci/popsicle/db"
)

// jobOf reads the job that a path names.
func (s *Server) jobOf(ctx context.Context, p httprouter.Params) (db.Job, error) {
	id, err := key(p, "job")
	if err != nil {
		return db.Job{}, err
	}
	return s.History.Job(ctx, id)
}

// job answers one job with its steps.
func (s *Server) job(r *http.Request, p httprouter.Params) (any, error) {
	j, err := s.jobOf(r.Context(), p)
	if err != nil {
		return nil, err
	}
	steps, err := s.History.Steps(r.Context(), j.ID)
	return NewJob(j, steps), err
}

func (s *Server) jobSteps(r *http.Request, p httprouter.Params) (any, error) {
	j, err := s.jobOf(r.Context(), p)
	if err != nil {
		return nil, err
	}
	steps, err := s.History.Steps(r.Context(), j.ID)
	return list(steps, NewStep), err
}

func (s *Server) workflows(r *http.Request, p httprouter.Params) (any, error) {
	found, _, err := s.pipelineJobs(r.Context(), p)
	if err != nil {
		return nil, err
	}
	workflows, err := s.History.Workflows(r.Context(), found.ID)
	return list(workflows, newWorkflow), err
}

// A Message is a warning that a run gave besides its logs.
type Message struct {
	Job   int     `json:"job,omitempty"` // its position in the pipeline
	Node  int     `json:"node,omitempty"`
	Step  int     `json:"step,omitempty"`
	Time  Instant `json:"time"`
	Level string  `json:"level"`
	Text  string  `json:"text"`
}

func (s *Server) messages(r *http.Request, p httprouter.Params) (any, error) {
	found, _, err := s.pipelineJobs(r.Context(), p)
	if err != nil {
		return nil, err
	}
	messages, err := s.History.Messages(r.Context(), found.ID)
	return list(messages, newMessage), err
}

func newMessage(m db.Message) Message {
	return Message{Job: m.Job, Node: m.Node, Step: m.Step, Time: Instant(m.Time), Level: string(m.Level), Text: m.Text}
}

// A LogPage is a part of a job's log, cut where it was written.
type LogPage struct {
	Pieces []LogPiece `json:"pieces"`
	Next   string     `json:"next"`  // the cursor to go on from
	More   bool       `json:"more"`  // the page is full: ask again at once
	Ended  bool       `json:"ended"` // everything was read, and nothing will be added
}

// A LogPiece is text that one step wrote at one time. It begins and ends
// anywhere, in the middle of a character too.
type LogPiece struct {
	Step   int     `json:"step"`
	Offset int64   `json:"offset"` // bytes the step wrote before it
	Line   int64   `json:"line"`   // newlines the step wrote before it
	Time   Instant `json:"time"`
	Text   string  `json:"text,omitempty"`
	Bytes  []byte  `json:"bytes,omitempty"` // in its place where it is not UTF-8
}

var linesQuery = []string{"from", "step", "line", "limit"}

// lines answers a page of a job's log as JSON: for programs that go through
// it, and for pages that show a window of it.
func (s *Server) lines(r *http.Request, p httprouter.Params) (any, error) {
	j, err := s.jobOf(r.Context(), p)
	if err != nil {
		return nil, err
	}
	q := ask(r)
	ask := db.LogQuery{Job: j.ID, Step: int(q.number("step", 0, 1, 1<<31-1)), Limit: int(q.number("limit", 256<<10, 1, 1<<20))}
	line := q.number("line", -1, 0, 1<<62)
	ask.From = q.place("from")
	if line >= 0 && (ask.Step == 0 || q.Has("from")) {
		q.fail("line counts within a step: give step too, and not from")
	}
	if q.err != nil {
		return nil, q.err
	}
	if line >= 0 {
		if ask.From, err = s.History.SeekLine(r.Context(), j.ID, ask.Step, line); err != nil {
			return nil, err
		}
	}
	page, err := s.History.Lines(r.Context(), ask)
	return newLogPage(page), err
}

// place returns a cursor in a log.
func (q *query) place(name string) db.Cursor {
	c, err := db.ParseCursor(q.Get(name))
	if err != nil {
		q.fail("%s: %.200s", name, err)
	}
	return c
}

func newLogPage(page db.Page) LogPage {
	out := LogPage{Pieces: make([]LogPiece, len(page.Pieces)), Next: page.Next.String(), More: page.More, Ended: page.Ended}
	for i, p := range page.Pieces {
		out.Pieces[i] = LogPiece{Step: p.Step, Offset: p.Offset, Line: p.Line, Time: Instant(p.Time)}
		if utf8.Valid(p.Text) {
			out.Pieces[i].Text = string(p.Text)
		} else {
			out.Pieces[i].Bytes = p.Text
		}
	}
	return out
}
