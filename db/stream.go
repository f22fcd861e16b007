package db

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// A stream is the text of one step on its way into the database. Text that
// comes slowly is written as it is, in small rows, and written again as one
// frame when there is enough of it; text that comes fast becomes a frame at
// once. So a log is compressed while it grows, and packing it is cheap.
type stream struct {
	job  *jobRow
	step int

	tail  chunk // what is not in a frame yet, at most frameSize bytes
	rows  int   // so many bytes of it are in rows already
	safe  chunk // an empty tail at the end of what is surely in the database
	drops int64 // bytes of text dropped since then
	full  bool  // its job's log is: see logLimit
}

// minFrame is how much text that was never written before becomes a frame.
// Below that, later text may well join it.
const minFrame = frameSize / 4

func newStream(job *jobRow, step int) *stream {
	return &stream{job: job, step: step, tail: chunk{step: step}, safe: chunk{step: step}}
}

// add appends text that was written at a time. It returns the changes that
// had to be made on the way: memory takes no more than one frame.
func (s *stream) add(texts []string, at time.Time) (changes []change) {
	if s.drops > 0 {
		texts = slices.Insert(texts, 0, fmt.Sprintf("\n[popsicle could not keep %d bytes here]\n", s.drops))
		s.drops = 0
	}
	s.mark(at)
	left := 0
	for _, text := range texts {
		left += len(text)
	}
	for _, text := range texts {
		for len(text) > 0 {
			if s.tail.text == nil {
				s.tail.text = make([]byte, 0, min(left, frameSize))
			}
			n := min(len(text), frameSize-len(s.tail.text))
			s.tail.text = append(s.tail.text, text[:n]...)
			left -= n
			if text = text[n:]; len(s.tail.text) == frameSize {
				changes = append(changes, s.cut())
				s.mark(at)
			}
		}
	}
	return changes
}

// mark says when the text that comes next was written.
func (s *stream) mark(at time.Time) {
	marks := s.tail.marks
	if n := len(marks); n > 0 && marks[n-1].offset == int64(len(s.tail.text)) {
		marks = marks[:n-1]
	}
	s.tail.marks = append(marks, mark{int64(len(s.tail.text)), at.UnixMilli()})
}

// cut makes the tail one frame, and begins a new tail behind it.
func (s *stream) cut() change {
	frame, rows := s.tail, s.rows
	s.tail, s.rows = frame.next(), 0
	return change{text: len(frame.text) - rows, do: func(ctx context.Context, tx *sql.Tx) error {
		if rows > 0 {
			if err := deleteChunks(ctx, tx, s.job.id, s.step, frame.start); err != nil {
				return err
			}
		}
		return frame.insert(ctx, tx, s.job.id, true)
	}}
}

// flush returns the change that brings the tail into the database, if there
// is one to make.
func (s *stream) flush() []change {
	switch fresh := len(s.tail.text) - s.rows; {
	case fresh == 0:
		return nil
	case fresh >= minFrame && s.rows == 0:
		return []change{s.cut()}
	}
	row := s.tail.from(s.rows)
	s.rows = len(s.tail.text)
	return []change{{text: len(row.text), do: func(ctx context.Context, tx *sql.Tx) error {
		return row.insert(ctx, tx, s.job.id, false)
	}}}
}

// seal lets go of the tail's memory: no more text is expected.
func (s *stream) seal() { s.tail, s.rows = s.tail.next(), 0 }

// written says that all changes so far are in the database.
func (s *stream) written() { s.safe = s.tail.from(len(s.tail.text)) }

// drop forgets the text that is not in the database.
func (s *stream) drop() {
	s.drops += s.tail.end() - s.safe.start
	s.tail, s.rows = s.safe, 0
}

// from returns the part of c that begins with byte n, with a copy of its text.
func (c chunk) from(n int) chunk {
	part := chunk{step: c.step, start: c.start + int64(n), line: c.line + newlines(c.text[:n]), text: slices.Clone(c.text[n:])}
	for _, m := range c.marks {
		if m.offset >= int64(n) {
			part.marks = append(part.marks, mark{m.offset - int64(n), m.time})
		}
	}
	return part
}

// next returns an empty chunk behind c.
func (c chunk) next() chunk {
	return chunk{step: c.step, start: c.end(), line: c.line + newlines(c.text)}
}
