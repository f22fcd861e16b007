package db

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
)

// A chunk is one row of a step's text.
type chunk struct {
	step  int
	start int64 // bytes of the step's text before it
	line  int64 // newlines before it
	text  []byte
	marks []mark // offsets count from its start; never empty
}

// insert writes c into the log of a job, its text as it is or as a frame.
func (c chunk) insert(ctx context.Context, tx *sql.Tx, job int64, asFrame bool) error {
	var marks []byte
	if len(c.marks) > 1 {
		marks = packMarks(c.marks)
	}
	data := c.text
	if asFrame {
		var err error
		if data, err = compress(c.text); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO chunks (job_id, step, start, bytes, line, lines, time, marks, zstd, data)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		job, c.step, c.start, len(c.text), c.line, newlines(c.text), c.marks[0].time, marks, asFrame, data)
	return err
}

// deleteChunks removes the rows of a step's text from start on.
func deleteChunks(ctx context.Context, tx *sql.Tx, job int64, step int, start int64) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM chunks WHERE job_id = ? AND step = ? AND start >= ?", job, step, start)
	return err
}

const chunkColumns = "step, start, bytes, line, time, marks, zstd, data"

// scanChunk reads a row and decodes its text.
func scanChunk(scan func(...any) error) (c chunk, err error) {
	var size int
	var time int64
	var packed bool
	var marks []byte
	if err := scan(&c.step, &c.start, &size, &c.line, &time, &marks, &packed, &c.text); err != nil {
		return c, err
	}
	if packed {
		if c.text, err = decompress(c.text, size); err != nil {
			return c, err
		}
	}
	if len(c.text) != size {
		return c, fmt.Errorf("step %d: %d bytes of log at %d where %d were written", c.step, len(c.text), c.start, size)
	}
	c.marks = []mark{{0, time}}
	if len(marks) > 0 {
		c.marks, err = unpackMarks(marks)
	}
	return c, err
}

// end returns where the text after c begins.
func (c chunk) end() int64 { return c.start + int64(len(c.text)) }

// newlines counts them in text.
func newlines(text []byte) int64 { return int64(bytes.Count(text, []byte{'\n'})) }

// pieces cuts c at its marks, leaving out what lies before from and what
// goes beyond limit bytes.
func (c chunk) pieces(from int64, limit int) []Piece {
	var found []Piece
	line := c.line
	for i, m := range c.marks {
		end := int64(len(c.text))
		if i+1 < len(c.marks) {
			end = c.marks[i+1].offset
		}
		start := m.offset
		if skip := min(from-c.start, end) - start; skip > 0 {
			line += newlines(c.text[start : start+skip])
			start += skip
		}
		if end = min(end, start+int64(limit)); end <= start {
			continue
		}
		text := c.text[start:end]
		found = append(found, Piece{Step: c.step, Offset: c.start + start, Line: line, Time: fromMillis(m.time), Text: text})
		line += newlines(text)
		limit -= len(text)
	}
	return found
}
