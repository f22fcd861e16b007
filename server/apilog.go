package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/julienschmidt/httprouter"

	"github.com/popsicle-ci/popsicle/db"
)

var logQuery = []string{"step", "follow", "from"}

// log answers a job's log: as text, in ranges once the job has ended, or line
// by line as server-sent events while it grows.
func (s *Server) log(r *http.Request, p httprouter.Params) (any, error) {
	j, err := s.jobOf(r.Context(), p)
	if err != nil {
		return nil, err
	}
	q := ask(r)
	step, follow, from := int(q.number("step", 0, 1, 1<<31-1)), q.yes("follow"), q.place("from")
	if last := r.Header.Get("Last-Event-ID"); last != "" && follow {
		if from, err = db.ParseCursor(last); err != nil {
			return nil, badRequest("Last-Event-ID: %.200s", err)
		}
	}
	switch {
	case q.err != nil:
		return nil, q.err
	case follow:
		return &follower{server: s, query: db.LogQuery{Job: j.ID, Step: step}, place: from}, nil
	case q.Has("from"):
		return nil, badRequest("from is the place to follow from: give follow=true too, or ask for /lines")
	}
	text := &logText{server: s, ctx: r.Context(), job: j}
	text.steps, err = s.stepsOf(r.Context(), j, step)
	return text, err
}

// stepsOf returns the steps of a job, or one of them.
func (s *Server) stepsOf(ctx context.Context, j db.Job, number int) ([]db.Step, error) {
	steps, err := s.History.Steps(ctx, j.ID)
	if number == 0 || err != nil {
		return steps, err
	}
	for _, one := range steps {
		if one.Number == number {
			return []db.Step{one}, nil
		}
	}
	return nil, &Problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("job %d has no step %d", j.ID, number)}
}

// logText is the log of a job, or of one of its steps, as one text. It is an
// io.ReadSeeker over db.DB.Lines.
type logText struct {
	server *Server
	ctx    context.Context // of the request: a reader cannot be given one
	job    db.Job
	steps  []db.Step
	at     int64  // where the next byte is read
	read   []byte // what was read from there on
}

// textPage is how much of a log is read at once.
const textPage = 64 << 10

func (t *logText) respond(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", fmt.Sprintf(`inline; filename="job-%d.log"`, t.job.ID))
	h.Set("Cache-Control", "private, no-cache")
	w = &patient{ResponseWriter: w}
	if !t.job.Status.Ended() {
		h.Set("Accept-Ranges", "none") // nobody knows where the text of a step will lie
		return t.soFar(w, r)
	}
	h.Set("ETag", fmt.Sprintf(`"log-%d-%d-%d-%d"`, t.job.ID, t.job.LogBytes, t.job.End.UnixMilli(), t.first()))
	http.ServeContent(w, r, "", t.job.End, t)
	return nil
}

// first names the step, where the text is of one.
func (t *logText) first() int {
	if len(t.steps) == 1 {
		return t.steps[0].Number
	}
	return 0
}

// soFar writes what the steps of a running job have written.
func (t *logText) soFar(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	q := db.LogQuery{Job: t.job.ID, Limit: textPage}
	if len(t.steps) == 1 {
		q.Step = t.steps[0].Number
	}
	for {
		page, err := t.server.History.Lines(t.ctx, q)
		if err != nil {
			return err
		}
		for _, p := range page.Pieces {
			if _, err := w.Write(p.Text); err != nil {
				return err
			}
		}
		if q.From = page.Next; !page.More {
			return nil
		}
	}
}

// base is where the text begins in the log of the job, and size how long it is.
func (t *logText) base() (base, size int64) {
	if len(t.steps) == 0 {
		return 0, 0
	}
	base = t.steps[0].LogOffset
	for _, s := range t.steps {
		size += s.LogBytes
	}
	return base, size
}

// Seek goes to a byte of the text.
func (t *logText) Seek(offset int64, whence int) (int64, error) {
	_, size := t.base()
	switch whence {
	case io.SeekCurrent:
		offset += t.at
	case io.SeekEnd:
		offset += size
	}
	if offset < 0 {
		return 0, errors.New("a place before the log")
	}
	if offset != t.at {
		t.at, t.read = offset, nil
	}
	return offset, nil
}

// Read reads on from there.
func (t *logText) Read(p []byte) (int, error) {
	if len(t.read) == 0 {
		if err := t.page(); err != nil {
			return 0, err
		}
	}
	n := copy(p, t.read)
	t.at, t.read = t.at+int64(n), t.read[n:]
	return n, nil
}

// page reads the page at the place where t stands.
func (t *logText) page() error {
	base, _ := t.base()
	for _, s := range t.steps {
		within := base + t.at - s.LogOffset
		if s.LogBytes == 0 || within >= s.LogBytes {
			continue
		}
		page, err := t.server.History.Lines(t.ctx, db.LogQuery{Job: t.job.ID, Step: s.Number, From: db.At(s.Number, within), Limit: textPage})
		if err != nil {
			return err
		}
		for _, p := range page.Pieces {
			t.read = append(t.read, p.Text...)
		}
		if len(t.read) == 0 {
			return fmt.Errorf("job %d: the log ends at byte %d", t.job.ID, t.at)
		}
		return nil
	}
	return io.EOF
}

// patient gives a long answer time for as long as the other side reads on.
type patient struct{ http.ResponseWriter }

// writeTime is how long the other side may take for one write.
const writeTime = 30 * time.Second

// Write writes a part.
func (w *patient) Write(p []byte) (int, error) {
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(writeTime)) // a recorder in tests has none
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController find what is below.
func (w *patient) Unwrap() http.ResponseWriter { return w.ResponseWriter }
