package db

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A jobLog is a job's log as it lies in the database: in chunks while the job
// runs and where it is long, else as one text in the job's row.
type jobLog struct {
	ctx   context.Context
	tx    *sql.Tx
	job   int64
	ended bool    // the job is over
	text  *string // the whole log, where it is one text
	steps []Step
}

func openLog(ctx context.Context, tx *sql.Tx, job int64) (*jobLog, error) {
	l := &jobLog{ctx: ctx, tx: tx, job: job}
	var status event.Status
	err := tx.QueryRowContext(ctx, "SELECT status, iif(log_form = 'text', log, NULL) FROM jobs WHERE id = ?", job).Scan(&status, &l.text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoJob(job)
	}
	if err != nil {
		return nil, err
	}
	l.ended = status.Ended()
	l.steps, err = readSteps(ctx, tx, job)
	return l, err
}

// stepEnded says whether a step is over.
func (l *jobLog) stepEnded(number int) bool {
	for _, s := range l.steps {
		if s.Number == number {
			return s.Status.Ended()
		}
	}
	return false
}

// read returns a step's text from offset on, limit bytes of it at most.
func (l *jobLog) read(s Step, offset int64, limit int) ([]Piece, error) {
	var pieces []Piece
	for c, err := range l.chunks(s, offset) {
		if err != nil {
			return nil, err
		}
		for _, p := range c.pieces(offset, limit) {
			pieces = append(pieces, p)
			limit -= len(p.Text)
		}
		if limit == 0 {
			break
		}
	}
	return pieces, nil
}

// chunks yields a step's text in order, beginning with the chunk that holds
// the byte at offset.
func (l *jobLog) chunks(s Step, offset int64) iter.Seq2[chunk, error] {
	if l.text != nil {
		return func(yield func(chunk, error) bool) {
			if s.LogBytes > 0 {
				yield(l.slice(s))
			}
		}
	}
	rows, err := l.tx.QueryContext(l.ctx, "SELECT "+chunkColumns+` FROM chunks WHERE job_id = ?1 AND step = ?2 AND start >=
		ifnull((SELECT max(start) FROM chunks WHERE job_id = ?1 AND step = ?2 AND start <= ?3), 0) ORDER BY start`, l.job, s.Number, offset)
	return each(rows, err, scanChunk)
}

// slice returns the part of the job's one text that a step wrote.
func (l *jobLog) slice(s Step) (chunk, error) {
	if s.LogOffset+s.LogBytes > int64(len(*l.text)) {
		return chunk{}, fmt.Errorf("the log ends before the text of step %d", s.Number)
	}
	var packed []byte
	err := l.tx.QueryRowContext(l.ctx, "SELECT log_marks FROM steps WHERE job_id = ? AND number = ?", l.job, s.Number).Scan(&packed)
	if err != nil {
		return chunk{}, err
	}
	marks, err := unpackMarks(packed)
	text := []byte((*l.text)[s.LogOffset : s.LogOffset+s.LogBytes])
	return chunk{step: s.Number, text: text, marks: marks}, err
}

// seek returns where a line of a step begins, counted from 0.
func (l *jobLog) seek(step int, line int64) (int64, error) {
	var offset int64
	err := l.tx.QueryRowContext(l.ctx, `SELECT ifnull((SELECT start FROM chunks
		WHERE job_id = ? AND step = ? AND line < ? ORDER BY start DESC LIMIT 1), 0)`, l.job, step, line).Scan(&offset)
	if err != nil || line <= 0 {
		return 0, err
	}
	for _, s := range l.steps {
		if s.Number != step {
			continue
		}
		for c, err := range l.chunks(s, offset) {
			if err != nil {
				return 0, err
			}
			if at, found := c.lineStart(line); found {
				return at, nil
			}
			offset = c.end()
		}
	}
	return offset, nil
}

// lineStart returns where a line of the step begins, if that is in c or
// directly behind it.
func (c chunk) lineStart(line int64) (offset int64, found bool) {
	at := 0
	for missing := line - c.line; missing > 0; missing-- {
		next := bytes.IndexByte(c.text[at:], '\n')
		if next < 0 {
			return 0, false
		}
		at += next + 1
	}
	return c.start + int64(at), true
}
