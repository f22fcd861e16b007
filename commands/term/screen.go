package term

import (
	"bytes"
	"fmt"
	"io"
	"slices"
)

// A screen repaints the last lines of a terminal in place. What stands above
// them scrolls away as usual. The cursor rests below the lines and is hidden
// only while they are written: whatever kills the process, the terminal stays
// usable.
type screen struct {
	w       io.Writer
	lines   []string // that stand there now
	columns int      // the width they were painted for
	buf     bytes.Buffer
}

// What a frame is wrapped in: a synchronized update, which terminals that do
// not know it ignore, no cursor, and no automatic wrapping, so that a
// character that is wider than we think is cut off and moves no line.
const (
	beginFrame = "\x1b[?2026h\x1b[?25l\x1b[?7l"
	endFrame   = "\x1b[?7h\x1b[?25h\x1b[?2026l"
)

// paint puts lines in the place of those that stand there; above, which may
// be empty, is printed before them to stay.
func (s *screen) paint(above, lines []string, columns int) error {
	if len(above) == 0 && columns == s.columns && slices.Equal(lines, s.lines) {
		return nil
	}
	s.buf.Reset()
	s.buf.WriteString(beginFrame + "\r")
	if up := s.height(columns); up > 0 {
		fmt.Fprintf(&s.buf, "\x1b[%dA", up)
	}
	for _, line := range above {
		s.buf.WriteString(line + "\x1b[K\r\n")
	}
	for _, line := range lines {
		s.buf.WriteString(line + "\x1b[K\r\n")
	}
	s.buf.WriteString("\x1b[J" + endFrame)
	s.lines, s.columns = append(s.lines[:0], lines...), columns
	_, err := s.w.Write(s.buf.Bytes())
	return err
}

// leave makes what stands on the screen part of what has scrolled by.
func (s *screen) leave() { s.lines = s.lines[:0] }

// height is the number of rows that the lines take now: a terminal that was
// made narrower has broken those that were longer.
func (s *screen) height(columns int) int {
	rows := 0
	for _, line := range s.lines {
		rows += max(1, (width(line)+columns-1)/max(1, columns))
	}
	return rows
}
