package term

import (
	"bytes"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// longestPart bounds how much of an unended line is held: past that it is
// shown as it comes.
const longestPart = 64 << 10

// mostCuts bounds how long the beginning of a line waits: each time another
// job's output cuts the line, the wait is doubled.
const mostCuts = 6

// An origin is where output comes from: one step of one node of one job.
type origin struct{ job, node, step int }

func originOf(at event.At) origin { return origin{at.JobID, at.Node, at.Step} }

// A source is the output of one step on its way to the screen.
type source struct {
	name     string // the prefix of its lines
	filter   filter
	line     []byte // the line that has not ended, from its last carriage return on
	colors   []byte // the colours that are on where line begins
	shown    int    // how much of line stands on the screen
	returned bool   // a carriage return ended line: what follows overwrites it
	stale    bool   // what stands on the screen was overwritten since
	cuts     int    // how often another's output has cut this line
	waiting  bool   // is in Plain.waiting
	due      time.Time
}

// pending says whether there is something of the line to be shown.
func (s *source) pending() bool { return s.shown < len(s.line) || s.stale }

// extend adds text without newlines to the line, and carries out its
// carriage returns. One at the end is put off: it may belong to a newline.
func (s *source) extend(text []byte) {
	if s.returned && len(text) > 0 {
		s.overwrite(s.line)
		s.returned = false
	}
	if t := bytes.TrimRight(text, "\r"); len(t) < len(text) {
		text, s.returned = t, true
	}
	if i := bytes.LastIndexByte(text, '\r'); i >= 0 {
		s.colors = addColors(s.colors, s.line)
		s.overwrite(text[:i])
		text = text[i+1:]
	}
	s.line = append(s.line, text...)
}

// overwrite begins the line anew; of what stood there only colours go on.
func (s *source) overwrite(old []byte) {
	s.colors = addColors(s.colors, old)
	s.stale = s.stale || s.shown > 0
	s.line, s.shown = s.line[:0], 0
}

// next makes the source ready for its next line.
func (s *source) next() {
	s.colors = addColors(s.colors, s.line)
	s.line, s.shown, s.cuts, s.returned, s.stale = s.line[:0], 0, 0, false, false
}

// addColors adds the colours that text switches on to active, and drops
// those that it switches off.
func addColors(active, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, 0x1b)
		if i < 0 {
			return active
		}
		text = text[i:]
		end := bytes.IndexByte(text, 'm') + 1
		sequence, params := text[:end], text[2:end-1]
		first, rest, _ := bytes.Cut(params, []byte(";"))
		reset := len(bytes.Trim(first, "0")) == 0
		if reset || len(active) > 2*longestSGR {
			active = active[:0]
		}
		if !reset || len(rest) > 0 {
			active = append(active, sequence...)
		}
		text = text[end:]
	}
}
