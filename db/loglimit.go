package db

import (
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// What is kept of a job's log, in bytes: logLimit of all steps together, and
// of a step that begins beyond it still stepLimit, so that a step which talks
// too much does not hide why a later one failed.
const (
	logLimit  = 2 << 30
	stepLimit = 1 << 20
)

// limited returns the part of what a step wrote that its job's log has room
// for. The first time that something is left out of a step, its log says so
// in place of it, and the first time of a job the pipeline does.
func (r *run) limited(s *stream, at event.At, texts []string) []string {
	room := max(r.logLimit-s.job.logged, stepLimit-s.tail.end())
	for i, text := range texts {
		if s.full {
			return texts[:i]
		}
		if int64(len(text)) > room {
			s.full = true
			kept := append(texts[:i:i], text[:max(room, 0)])
			s.job.logged += max(room, 0)
			r.logFull(s, at)
			return append(kept, fmt.Sprintf("\n[popsicle keeps %s of a job's log: the rest of this step's is not kept]\n", bytesOf(r.logLimit)))
		}
		room -= int64(len(text))
		s.job.logged += int64(len(text))
	}
	return texts
}

// logFull tells of a job's log that is not kept to its end, once.
func (r *run) logFull(s *stream, at event.At) {
	if !s.job.cut {
		s.job.cut = true
		r.message(event.Message{At: at, Level: event.Warning, Text: fmt.Sprintf("more than %s of log: the rest is not kept", bytesOf(r.logLimit))})
	}
}

func bytesOf(n int64) string { return humanize.IBytes(uint64(n)) }
