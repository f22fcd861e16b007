package db

import (
	"bytes"
	"slices"
	"time"
)

// A Line is one line that a step wrote.
type Line struct {
	Step   int
	Offset int64     // bytes the step wrote before it
	Number int64     // newlines the step wrote before it
	Time   time.Time // when its first byte was written
	Text   []byte    // without the newline
	Whole  bool      // it has ended: by a newline, or with its step
	Size   int64     // bytes it takes in the step's text, newline included
	Next   Cursor    // where to go on behind it
}

// longestLine is how much of a line is kept back until its end is there.
const longestLine = 64 << 10

// A Splitter cuts the pages of a job's log into lines. Pages are given in
// their order, each beginning where the one before ended. The zero Splitter
// is ready.
type Splitter struct {
	held map[int]*Line // begun lines, by step
}

// Split returns the lines that end in a page. What is left of each step is
// kept back: for the next page, for Flush, or until it is too long.
func (s *Splitter) Split(p Page) []Line {
	next := s.rewind(p)
	var lines []Line
	give := func(l Line) {
		next = next.moved(l.Step, l.Offset+l.Size, false)
		l.Next = next
		lines = append(lines, l)
	}
	for _, piece := range p.Pieces {
		number := piece.Line
		for text := piece.Text; len(text) > 0; {
			l := s.hold(piece, len(piece.Text)-len(text), number)
			end := bytes.IndexByte(text, '\n')
			take := min(end+1, longestLine)
			if end < 0 {
				take = min(len(text), longestLine)
			}
			l.add(text[:take])
			if l.Whole {
				number++
			}
			if text = text[take:]; l.Whole || l.Size >= longestLine {
				give(*l)
				delete(s.held, l.Step)
			}
		}
	}
	for _, step := range s.steps() {
		if _, done := p.Next.step(step); done || p.Ended {
			l := s.held[step]
			l.Whole = true
			give(*l)
			delete(s.held, step)
		}
	}
	return lines
}

// Flush gives back what is kept, as lines that have not ended. next is the
// cursor of the page that was split last.
func (s *Splitter) Flush(next Cursor) []Line {
	next = s.rewind(Page{Next: next})
	var lines []Line
	for _, step := range s.steps() {
		l := *s.held[step]
		next = next.moved(step, l.Offset+l.Size, false)
		l.Next = next
		lines = append(lines, l)
	}
	clear(s.held)
	return lines
}

// Place returns the cursor behind the lines that were given, after a page
// whose cursor is next.
func (s *Splitter) Place(next Cursor) Cursor { return s.rewind(Page{Next: next}) }

// rewind returns the cursor of a page with every step that has text in it,
// or kept back from before, at the first byte that was not given yet.
func (s *Splitter) rewind(p Page) Cursor {
	first := map[int]int64{}
	for _, piece := range slices.Backward(p.Pieces) {
		first[piece.Step] = piece.Offset
	}
	for step, l := range s.held {
		first[step] = l.Offset
	}
	next := p.Next
	for step, offset := range first {
		next = next.moved(step, offset, false)
	}
	return next
}

// hold returns the begun line of a piece's step; where there is none, one
// begins at byte n of the piece.
func (s *Splitter) hold(p Piece, n int, number int64) *Line {
	if s.held == nil {
		s.held = map[int]*Line{}
	}
	if s.held[p.Step] == nil {
		s.held[p.Step] = &Line{Step: p.Step, Offset: p.Offset + int64(n), Number: number, Time: p.Time}
	}
	return s.held[p.Step]
}

// steps returns those with a begun line, in order.
func (s *Splitter) steps() []int {
	var steps []int
	for step := range s.held {
		steps = append(steps, step)
	}
	slices.Sort(steps)
	return steps
}

// add appends text, whose only newline may be its last byte.
func (l *Line) add(text []byte) {
	l.Size += int64(len(text))
	text, l.Whole = bytes.CutSuffix(text, []byte{'\n'})
	l.Text = append(l.Text, text...)
}
