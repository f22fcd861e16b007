package server

import (
	"bytes"
	"context"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"github.com/popsicle-ci/popsicle/db"
)

// A row is a line of a log as a page shows it.
type row struct {
	Step int
	Line int64 // counted from 1 in its step
	Time Instant
	HTML template.HTML
	Cut  bool // it is longer than what is shown
}

// Clock is the time of day at which the line was written.
func (r row) Clock() string { return time.Time(r.Time).UTC().Format("15:04:05.0") }

// blockRows is how many lines pages fetch at a time. Colours begin anew with
// each block, so that a line looks the same whichever way it came.
const blockRows = 200

// rowBytes is how much of a line is shown.
const rowBytes = 16 << 10

// window reads lines of a step from first on, counted from 0, which begins a
// block.
func (s *Server) window(ctx context.Context, job int64, step int, first int64, count int) ([]row, error) {
	from, err := s.History.SeekLine(ctx, job, step, first)
	if err != nil {
		return nil, err
	}
	var rows []row
	colours := newColourist()
	err = s.eachLine(ctx, db.LogQuery{Job: job, Step: step, From: from}, func(l db.Line) bool {
		if n := len(rows); n > 0 && rows[n-1].Line == l.Number+1 { // a long line comes in parts
			rows[n-1].Cut = true
			return true
		}
		if len(rows) == count {
			return false
		}
		if l.Number%blockRows == 0 {
			colours.reset()
		}
		text := l.Text[:min(len(l.Text), rowBytes)]
		rows = append(rows, row{Step: step, Line: l.Number + 1, Time: Instant(l.Time), HTML: colours.line(text), Cut: len(text) < len(l.Text)})
		return true
	})
	return rows, err
}

// eachLine calls f with the lines of a log as far as it is written, until f
// has enough.
func (s *Server) eachLine(ctx context.Context, q db.LogQuery, f func(db.Line) bool) error {
	var splitter db.Splitter
	for {
		found, err := s.History.Lines(ctx, q)
		if err != nil {
			return err
		}
		lines := splitter.Split(found)
		if !found.More {
			lines = append(lines, splitter.Flush(found.Next)...)
		}
		for _, l := range lines {
			if !f(l) {
				return nil
			}
		}
		if q.From = found.Next; !found.More {
			return nil
		}
	}
}

// lineCount returns how many lines a step has written, the last of which may
// not have ended.
func (s *Server) lineCount(ctx context.Context, job int64, step int) (int64, error) {
	end, err := s.History.SeekLine(ctx, job, step, 1<<62)
	if err != nil {
		return 0, err
	}
	offset, _ := end.Passed(step)
	if offset == 0 {
		return 0, nil
	}
	last, err := s.History.Lines(ctx, db.LogQuery{Job: job, Step: step, From: db.At(step, offset-1), Limit: 1})
	if err != nil || len(last.Pieces) == 0 {
		return 0, err
	}
	return last.Pieces[0].Line + 1, nil
}

// rows answers a block of a step's log, for the script of the job's page.
func (s *Server) rows(r *http.Request, p httprouter.Params) (any, error) {
	j, err := s.jobOf(r.Context(), p)
	if err != nil {
		return nil, err
	}
	q := ask(r)
	step, line := int(q.number("step", 0, 1, 1<<31-1)), q.number("line", 1, 1, 1<<62)
	switch {
	case q.err != nil:
		return nil, q.err
	case step == 0:
		return nil, badRequest("say which step: step=1")
	}
	found, err := s.window(r.Context(), j.ID, step, (line-1)/blockRows*blockRows, blockRows)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = templates()["job"].ExecuteTemplate(&b, "rows", found)
	return hypertext{http.StatusOK, b.Bytes()}, err
}

// A search is what was found in a log.
type search struct {
	Hits []hit
	More bool  // it ended early: there were too many, or the log is too long
	Read int64 // bytes that were searched
}

// A hit is a line with the text in it.
type hit struct {
	Step int
	Line int64
	Text string
}

// The bounds of a search: what a page can show and a reader wait for.
const (
	mostHits    = 200
	searchBytes = 256 << 20
	searchTime  = 3 * time.Second
	hitBytes    = 300
)

// search looks for a text in the log of a job; large and small letters are
// the same, colours are not seen.
func (s *Server) search(ctx context.Context, job int64, text string) (*search, error) {
	found, want, late := &search{}, strings.ToLower(text), time.Now().Add(searchTime)
	err := s.eachLine(ctx, db.LogQuery{Job: job, Limit: 1 << 20}, func(l db.Line) bool {
		found.Read += l.Size
		if plain := plainText(l.Text); strings.Contains(strings.ToLower(plain), want) {
			found.Hits = append(found.Hits, hit{l.Step, l.Number + 1, fmt.Sprintf("%.*s", hitBytes, plain)})
		}
		found.More = len(found.Hits) == mostHits || found.Read > searchBytes || l.Number%1000 == 0 && time.Now().After(late)
		return !found.More
	})
	return found, err
}
