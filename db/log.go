package db

import (
	"context"
	"database/sql"
	"time"
)

// A LogQuery asks for a part of a job's log.
type LogQuery struct {
	Job   int64  // its key
	Step  int    // only this step; 0: all of them, in order
	From  Cursor // zero: from the beginning
	Limit int    // bytes at most; 0: 256 KB
}

// A Piece is text that one step wrote at one time. Nothing says that it
// begins or ends with a line.
type Piece struct {
	Step   int
	Offset int64     // bytes the step wrote before it
	Line   int64     // newlines the step wrote before it
	Time   time.Time // when it was written, to a tenth of a second
	Text   []byte
}

// A Page is one answer of Lines.
type Page struct {
	Pieces []Piece
	Next   Cursor // where to go on
	More   bool   // the page is full: ask again at once
	Ended  bool   // everything was read and nothing will be added
}

// Lines reads a job's log from a cursor on. It is the one way to read a log,
// of running and of ended jobs alike: whoever goes on at Page.Next gets every
// byte once, each step's in order. A page without pieces means that nothing
// was written since; ask again later unless it says Ended.
func (d *DB) Lines(ctx context.Context, q LogQuery) (Page, error) {
	// In one transaction, so that no step ends and no log is packed between
	// two of the questions.
	tx, err := d.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return Page{}, d.wrap(err)
	}
	defer tx.Rollback() // nothing was changed
	page, err := readLog(ctx, tx, q)
	return page, d.wrap(err)
}

// Follow hands the pages of a log to each as they come, until the log has
// ended or each returns an error. It asks again after every wait.
func (d *DB) Follow(ctx context.Context, q LogQuery, wait time.Duration, each func(Page) error) error {
	for {
		page, err := d.Lines(ctx, q)
		if err != nil {
			return err
		}
		if err := each(page); err != nil || page.Ended {
			return err
		}
		q.From = page.Next
		if page.More {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// SeekLine returns the cursor at the beginning of a line of a step's text,
// counted from 0; the end of what is there where it has fewer lines.
func (d *DB) SeekLine(ctx context.Context, job int64, step int, line int64) (Cursor, error) {
	tx, err := d.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return Cursor{}, d.wrap(err)
	}
	defer tx.Rollback() // nothing was changed
	log, err := openLog(ctx, tx, job)
	if err != nil {
		return Cursor{}, d.wrap(err)
	}
	offset, err := log.seek(step, line)
	return At(step, offset), d.wrap(err)
}

// readLog answers q within a transaction.
func readLog(ctx context.Context, tx *sql.Tx, q LogQuery) (Page, error) {
	log, err := openLog(ctx, tx, q.Job)
	if err != nil {
		return Page{}, err
	}
	left := q.Limit
	if left <= 0 {
		left = frameSize
	}
	page := Page{Next: q.From}
	for _, s := range log.steps {
		offset, done := page.Next.step(s.Number)
		if done || left == 0 || q.Step > 0 && q.Step != s.Number {
			continue
		}
		pieces, err := log.read(s, offset, left)
		if err != nil {
			return Page{}, err
		}
		for _, p := range pieces {
			left -= len(p.Text)
			offset = p.Offset + int64(len(p.Text))
		}
		page.Pieces = append(page.Pieces, pieces...)
		page.Next = page.Next.moved(s.Number, offset, left > 0 && (log.ended || s.Status.Ended()))
	}
	page.More = left == 0
	page.Ended = left > 0 && (log.ended || q.Step > 0 && log.stepEnded(q.Step))
	return page, nil
}
