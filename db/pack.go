package db

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// The sizes at which a log is kept in another way.
const (
	textLimit    = 64 << 10 // up to this a log is one readable text in its job's row
	excerptSize  = 16 << 10 // of a longer one the row holds the end, for people with a SQLite shell
	compressFrom = 1 << 10  // shorter text does not become smaller
)

// finishJob closes the steps that an ended job left open, and packs its log.
func finishJob(ctx context.Context, tx *sql.Tx, job int64, status event.Status, end time.Time) error {
	_, err := tx.ExecContext(ctx, "UPDATE steps SET status = ?, end_time = ? WHERE job_id = ? AND end_time IS NULL", status, moment(end), job)
	if err != nil {
		return err
	}
	return pack(ctx, tx, job)
}

// A span is where the text of a step lies in the log of its job.
type span struct {
	step         int
	offset       int64
	bytes, lines int64
	marks        []mark // of short logs
	plainRows    int
}

// pack gives the log of an ended job its last form. The text is ordered by
// step, so that none is torn apart by one that ran beside it. A short log
// becomes one text in the job's row. A long one stays in its rows, where most
// of it is compressed already; only the ends of the steps are missing.
func pack(ctx context.Context, tx *sql.Tx, job int64) error {
	spans, total, err := measure(ctx, tx, job)
	if err != nil || total == 0 {
		return err
	}
	if total <= textLimit {
		return packText(ctx, tx, job, spans)
	}
	return packChunks(ctx, tx, job, spans, total)
}

// measure returns where the text of each step will lie.
func measure(ctx context.Context, tx *sql.Tx, job int64) (spans []span, total int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT step, sum(bytes), sum(lines), sum(zstd = 0) FROM chunks
		WHERE job_id = ? GROUP BY step ORDER BY step`, job)
	for s, err := range each(rows, err, scanSpan) {
		if err != nil {
			return nil, 0, err
		}
		s.offset = total
		total += s.bytes
		spans = append(spans, s)
	}
	return spans, total, nil
}

func scanSpan(scan func(...any) error) (s span, err error) {
	err = scan(&s.step, &s.bytes, &s.lines, &s.plainRows)
	return s, err
}

func (s span) save(ctx context.Context, tx *sql.Tx, job int64) error {
	_, err := tx.ExecContext(ctx, "UPDATE steps SET log_offset = ?, log_bytes = ?, log_lines = ?, log_marks = ? WHERE job_id = ? AND number = ?",
		s.offset, s.bytes, s.lines, packMarks(s.marks), job, s.step)
	return err
}

func packText(ctx context.Context, tx *sql.Tx, job int64, spans []span) error {
	var log []byte
	for _, s := range spans {
		text, err := gather(ctx, tx, job, s.step, "")
		if err != nil {
			return err
		}
		log = append(log, text.text...)
		s.marks = text.marks
		if err := s.save(ctx, tx, job); err != nil {
			return err
		}
	}
	if err := setLog(ctx, tx, job, "text", int64(len(log)), log); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM chunks WHERE job_id = ?", job)
	return err
}

func packChunks(ctx context.Context, tx *sql.Tx, job int64, spans []span, total int64) error {
	for _, s := range spans {
		if err := s.save(ctx, tx, job); err != nil {
			return err
		}
		if s.plainRows == 0 {
			continue
		}
		if err := joinRows(ctx, tx, job, s.step); err != nil {
			return err
		}
	}
	end, err := excerpt(ctx, tx, job)
	if err != nil {
		return err
	}
	return setLog(ctx, tx, job, "chunks", total, end)
}

func setLog(ctx context.Context, tx *sql.Tx, job int64, form string, size int64, log []byte) error {
	_, err := tx.ExecContext(ctx, "UPDATE jobs SET log_form = ?, log_bytes = ?, log = ? WHERE id = ?", form, size, string(log), job)
	return err
}

// gather returns the rows of a step that meet a condition as one chunk. The
// rows must follow each other.
func gather(ctx context.Context, tx *sql.Tx, job int64, step int, condition string) (whole chunk, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT "+chunkColumns+" FROM chunks WHERE job_id = ?1 AND step = ?2"+condition+" ORDER BY start", job, step)
	for c, err := range each(rows, err, scanChunk) {
		if err != nil {
			return whole, err
		}
		if whole.text == nil {
			whole = c
			continue
		}
		for _, m := range c.marks {
			whole.marks = append(whole.marks, mark{m.offset + int64(len(whole.text)), m.time})
		}
		whole.text = append(whole.text, c.text...)
	}
	return whole, nil
}

// joinRows makes one row of the text at the end of a step that is not
// compressed yet: hardly more than a frame.
func joinRows(ctx context.Context, tx *sql.Tx, job int64, step int) error {
	tail, err := gather(ctx, tx, job, step, ` AND start >
		ifnull((SELECT max(start) FROM chunks WHERE job_id = ?1 AND step = ?2 AND zstd = 1), -1)`)
	if err != nil || tail.text == nil {
		return err
	}
	if err := deleteChunks(ctx, tx, job, step, tail.start); err != nil {
		return err
	}
	return tail.insert(ctx, tx, job, len(tail.text) >= compressFrom)
}

// excerpt returns the last lines of a long log.
func excerpt(ctx context.Context, tx *sql.Tx, job int64) ([]byte, error) {
	var end []byte
	rows, err := tx.QueryContext(ctx, "SELECT "+chunkColumns+" FROM chunks WHERE job_id = ? ORDER BY step DESC, start DESC", job)
	for c, err := range each(rows, err, scanChunk) {
		if err != nil {
			return nil, err
		}
		if end = slices.Concat(c.text, end); len(end) >= excerptSize {
			break
		}
	}
	return end[max(0, len(end)-excerptSize):], nil
}
