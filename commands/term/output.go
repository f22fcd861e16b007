package term

import (
	"bytes"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// output prints the whole lines of a piece of output and keeps the rest.
func (p *Plain) output(e event.Output) {
	s := p.source(e.At)
	p.scratch = s.filter.append(p.scratch[:0], e.Text)
	rest := p.scratch
	for {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		p.endLine(s, rest[:i])
		rest = rest[i+1:]
	}
	if len(rest) > 0 {
		p.keepPart(s, rest)
	}
}

// source is the output of the step that at names.
func (p *Plain) source(at event.At) *source {
	s := p.sources[originOf(at)]
	if s == nil {
		s = &source{name: p.prefix(at), filter: filter{keep: p.theme.Color}}
		p.sources[originOf(at)] = s
	}
	return s
}

// endLine prints a line that has ended.
func (p *Plain) endLine(s *source, end []byte) {
	if len(s.line) == 0 && len(s.colors) == 0 && !s.stale && isPlain(end) {
		p.closeLine()
		p.begin(s)
		p.w.Write(end)
		p.w.WriteByte('\n')
		return
	}
	s.extend(end)
	if s.pending() || p.open != s && s.shown == 0 {
		p.showPart(s)
	}
	if p.open == s { // else another's line has ended it, and nothing came after
		p.newline(s)
	}
	s.next()
}

// isPlain says whether a line needs nothing but to be written.
func isPlain(line []byte) bool {
	return bytes.IndexByte(line, '\r') < 0 && bytes.IndexByte(line, 0x1b) < 0
}

// keepPart keeps the beginning of a line until it is due. If that line is
// the one at the bottom of the screen there is nothing to wait for.
func (p *Plain) keepPart(s *source, part []byte) {
	s.extend(part)
	if p.open == s && !s.stale || len(s.line)-s.shown > longestPart {
		p.showPart(s)
	}
	if s.pending() && !s.waiting {
		s.waiting = true
		s.due = p.now().Add(flushAfter << min(s.cuts, mostCuts))
		p.waiting = append(p.waiting, s)
	}
}

// showParts shows the beginnings of lines that are due, and forgets those
// whose line has ended meanwhile.
func (p *Plain) showParts(now time.Time) {
	still := p.waiting[:0]
	for _, s := range p.waiting {
		if s.waiting = s.pending() && s.due.After(now); s.waiting {
			still = append(still, s)
		} else if s.pending() {
			p.showPart(s)
		}
	}
	clear(p.waiting[len(still):])
	p.waiting = still
}

// showPart puts on the screen what is known of a line and not there yet.
func (p *Plain) showPart(s *source) {
	if p.open != s || s.stale {
		p.begin(s)
	}
	p.w.Write(s.line[s.shown:])
	s.shown, s.stale, p.open = len(s.line), false, s
}

// begin writes what stands before the output of s: on a terminal in place of
// what the line has overwritten, else in a new line.
func (p *Plain) begin(s *source) {
	if p.open == s && p.theme.Size != nil {
		p.w.WriteString("\r\x1b[0m\x1b[K")
		p.open = nil
	}
	p.closeLine()
	p.w.WriteString(s.name)
	if s.shown > 0 {
		p.w.WriteString(p.theme.pick("|…", "|~"))
	} else {
		p.w.WriteString("| ")
	}
	p.w.Write(addColors(bytes.Clone(s.colors), s.line[:s.shown]))
}

// closeLine ends the unended line at the bottom of the screen, if any, so
// that another can begin.
func (p *Plain) closeLine() {
	if s := p.open; s != nil {
		s.cuts++
		p.newline(s)
	}
}

// newline ends the line of s, and lets no colour run into the next.
func (p *Plain) newline(s *source) {
	if len(s.colors) > 0 || bytes.IndexByte(s.line, 0x1b) >= 0 {
		p.w.WriteString("\x1b[0m")
	}
	p.w.WriteByte('\n')
	p.open = nil
}

// finish ends the unended lines of what e closes: a step, or all of a job.
func (p *Plain) finish(e event.Event) {
	at := e.Where()
	switch e.(type) {
	case event.StepFinished:
		if s := p.sources[originOf(at)]; s != nil {
			p.end(s)
		}
		delete(p.sources, originOf(at))
	case event.JobFinished:
		for o, s := range p.sources {
			if o.job == at.JobID {
				p.end(s)
				delete(p.sources, o)
			}
		}
	}
}

// end shows and ends the unended line of s, if it has one.
func (p *Plain) end(s *source) {
	if s.pending() {
		p.showPart(s)
	}
	if p.open == s {
		p.newline(s)
	}
	s.next()
}
