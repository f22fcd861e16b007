package term

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// state is a run after some events, and the time of the last.
func state(play func(*script)) (*run, time.Time) {
	r := newRun()
	s := newScript(sinkFunc(func(e event.Event) {
		if out, ok := e.(event.Output); ok {
			r.job(out.At).write(out)
			return
		}
		r.apply(e)
	}))
	play(s)
	return r, s.now
}

type sinkFunc func(event.Event)

func (f sinkFunc) Handle(e event.Event) error { f(e); return nil }

// running plays a run up to its middle: one job passed, two run, one waits.
func running(s *script) {
	full := failing(newScript(nil))
	for _, e := range full.seen {
		if f, ok := e.(event.StepFinished); ok && f.Status == event.Failed {
			break
		}
		s.emit(e)
		s.now = e.Where().Time
	}
	s.after(75 * time.Second)
}

// crowd plays 200 jobs in two workflows: 10 run, 2 failed, 12 passed.
func crowd(s *script) {
	s.emit(event.PipelineStarted{At: s.at(0, 0, ""), Repo: "popsicle-ci/popsicle", Branch: "main", Jobs: 200})
	at := func(id int) event.At {
		at := s.at(id, 0, fmt.Sprintf("test-%d", id))
		if id > 100 {
			at.Workflow = "nightly"
		}
		return at
	}
	for id := 1; id <= 200; id++ {
		s.emit(event.JobQueued{At: at(id), Requires: []string{fmt.Sprintf("test-%d", id-30)}})
	}
	for id := 90; id < 114; id++ {
		s.after(time.Second).emit(event.JobStarted{At: at(id)})
		switch {
		case id == 95 || id == 96:
			s.emit(event.JobFinished{At: at(id), Status: event.Failed, Reason: "the container ended"})
		case id < 104:
			s.emit(event.JobFinished{At: at(id), Status: event.Success})
		default:
			step := at(id)
			step.Step = 1
			s.emit(event.StepStarted{At: step, Name: "go test"})
			s.emit(event.Output{At: step, Text: "ok\nstill \x1b[1mat it"})
		}
	}
}

func TestFrameGolden(t *testing.T) {
	tests := []struct {
		name          string
		play          func(*script)
		theme         Theme
		columns, rows int
	}{
		{"frame-80x24.txt", running, Theme{Unicode: true}, 80, 24},
		{"frame-40x20.txt", running, Theme{}, 40, 20},
		{"frame-80x8.txt", running, Theme{Unicode: true}, 80, 8},
		{"frame-color.txt", running, Theme{Unicode: true, Color: true}, 80, 14},
		{"crowd-80x24.txt", crowd, Theme{Unicode: true}, 80, 24},
		{"crowd-40x20.txt", crowd, Theme{}, 40, 20},
		{"crowd-200x50.txt", crowd, Theme{Unicode: true}, 200, 50},
	}
	for _, test := range tests {
		r, now := state(test.play)
		golden(t, test.name, strings.Join(test.theme.frame(r, test.columns, test.rows, now), "\n")+"\n")
	}
}

// TestFrameFits holds what the screen relies on, at every size.
func TestFrameFits(t *testing.T) {
	for _, play := range []func(*script){func(*script) {}, running, crowd} {
		r, now := state(play)
		for _, theme := range []Theme{{}, {Unicode: true, Color: true}} {
			for columns := 1; columns < 130; columns += 9 {
				for rows := 1; rows < 60; rows += 3 {
					fits(t, theme.frame(r, columns, rows, now), columns, rows)
				}
			}
		}
	}
}

func fits(t *testing.T, lines []string, columns, rows int) {
	t.Helper()
	if len(lines) > max(rows-1, 1) {
		t.Fatalf("%dx%d: %d lines", columns, rows, len(lines))
	}
	for _, line := range lines {
		if width(line) > max(columns-1, 1) || strings.Contains(line, "\n") {
			t.Fatalf("%dx%d: %d columns: %q", columns, rows, width(line), line)
		}
	}
}

// TestFrameShowsWhatMatters: among 200 jobs, in 24 rows, those that run and
// those that failed are all to be seen.
func TestFrameShowsWhatMatters(t *testing.T) {
	r, now := state(crowd)
	text := strings.Join(Theme{}.frame(r, 80, 24, now), "\n")
	for _, j := range r.jobs {
		if j.status == event.Running || j.status == event.Failed {
			if !strings.Contains(text, j.name+" ") {
				t.Errorf("%s is %s and not shown:\n%s", j.name, j.status, text)
			}
		}
	}
}
