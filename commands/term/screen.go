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
	w             io.Writer
	lines         []string // that stand there now
	columns, rows int      // of the terminal when they were painted
	kept          []string // what was printed above them, to stay
	lost          int      // how many of kept a resize may have wiped out
	buf           bytes.Buffer
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
func (s *screen) paint(above, lines []string, columns, rows int) error {
	torn := s.torn(columns, rows)
	if len(above) == 0 && !torn && slices.Equal(lines, s.lines) {
		return nil
	}
	s.buf.Reset()
	s.buf.WriteString(beginFrame)
	s.kept = append(s.kept, above...)
	if torn {
		s.buf.WriteString("\x1b[H") // not cleared at once: some terminals would put a copy into what has scrolled by
		s.lost = max(0, len(s.kept)-max(0, rows-1-len(lines)))
		above = s.kept[s.lost:]
	} else if len(s.lines) > 0 {
		fmt.Fprintf(&s.buf, "\r\x1b[%dA", len(s.lines))
	}
	for _, line := range slices.Concat(above, lines) {
		s.buf.WriteString(line + "\x1b[K\r\n")
	}
	s.buf.WriteString("\x1b[J" + endFrame)
	s.lines, s.columns, s.rows = append(s.lines[:0], lines...), columns, rows
	_, err := s.w.Write(s.buf.Bytes())
	return err
}

// torn says whether a resize has moved the lines to where they cannot be
// found again: terminals differ in how they break lines that have become too
// long, and in what they scroll away or fetch back. The screen is then begun
// anew; what has scrolled by before is not touched.
func (s *screen) torn(columns, rows int) bool {
	if len(s.lines) == 0 || columns == s.columns && rows == s.rows {
		return false
	}
	return columns != s.columns || len(s.lines) >= min(rows, s.rows)-1
}

// owed is what must be printed again before the screen is left.
func (s *screen) owed() []string { return s.kept[:s.lost:s.lost] }

// leave makes what stands on the screen part of what has scrolled by.
func (s *screen) leave() { s.lines, s.kept, s.lost = s.lines[:0], nil, 0 }
