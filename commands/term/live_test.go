package term

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// watched makes a Live on a vt whose frames the test paints itself.
func watched(v *vt) (*Live, *script) {
	l := NewLive(v, Theme{Unicode: true, Color: true, Size: v.size})
	l.begin.Do(func() { close(l.ended) }) // no goroutine: the test paints
	s := newScript(nil)
	l.now = func() time.Time { return s.now }
	return l, s
}

// TestLiveLeavesTheEnd plays a run with a frame after every event: in the end
// what stood on the screen before, the warning and the list of jobs stay, and
// nothing of the frames.
func TestLiveLeavesTheEnd(t *testing.T) {
	v := newVT(t, 80, 24)
	_, _ = v.Write([]byte("$ popsicle run\r\n"))
	l, s := watched(v)
	s.sink = sinkFunc(func(e event.Event) {
		if _, ended := e.(event.PipelineFinished); ended {
			l.take(event.Message{At: s.at(2, 0, "build"), Level: event.Warning, Text: "python:3.9 runs emulated"})
		}
		l.take(e)
		if err := l.paint(l.frame); err != nil {
			t.Fatal(err)
		}
	})
	failing(s)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	golden(t, "live-end.txt", v.text())
	v.usable()
}

func TestLiveResizes(t *testing.T) {
	sizes := [][2]int{{80, 24}, {40, 24}, {40, 6}, {200, 6}, {200, 50}, {20, 3}, {80, 24}}
	v := newVT(t, 80, 24)
	l, s := watched(v)
	s.sink = sinkFunc(l.take)
	crowd(s)
	l.take(event.Message{At: s.at(1, 0, "test-1"), Level: event.Warning, Text: "stays"})
	for i, size := range sizes {
		*v = *newVT(t, size[0], size[1]) // as torn as can be: nothing is where it was
		v.row = v.rows - 1
		for range 3 {
			s.after(time.Second)
			if err := l.paint(l.frame); err != nil {
				t.Fatal(err)
			}
		}
		fits(t, v.grid, 1000, v.rows+2)
		if n := strings.Count(v.text(), "2 failed, 10 running"); n > 1 || i > 0 && len(v.history) > 0 {
			t.Errorf("at %v there are %d frames, and %d lines have scrolled by:\n%s", size, n, len(v.history), v.text())
		}
		v.usable()
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Count(v.text(), "stays") != 1 {
		t.Errorf("a warning was lost by a resize:\n%s", v.text())
	}
}

// TestLivePaintsByItself runs the real painter beside the events, under the
// race detector, to the end.
func TestLivePaintsByItself(t *testing.T) {
	v := newVT(t, 80, 24)
	painted := make(chan struct{})
	var once sync.Once
	l := NewLive(writerFunc(func(b []byte) (int, error) {
		once.Do(func() { close(painted) })
		return v.Write(b)
	}), Theme{Size: v.size})
	s := newScript(l)
	s.emit(event.PipelineStarted{At: s.at(0, 0, ""), Repo: "r"})
	s.emit(event.JobQueued{At: s.at(1, 0, "a")})
	s.emit(event.JobStarted{At: s.at(1, 0, "a")})
	s.step(1, 1, "a", "one", "run")
	for done := false; !done; {
		s.output(1, 1, "a", "x\n")
		select {
		case <-painted:
			done = true
		default:
		}
	}
	s.emit(event.JobFinished{At: s.at(1, 0, "a"), Status: event.Canceled})
	s.emit(event.PipelineFinished{At: s.at(0, 0, ""), Status: event.Canceled})
	s.emit(event.Message{At: s.at(0, 0, ""), Level: event.Warning, Text: "after the end"})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	v.usable()
	text := v.text()
	if !strings.HasSuffix(text, "! after the end\n") || strings.Count(text, "canceled") != 1 {
		t.Errorf("the screen shows\n%s", text)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestLiveTellsThatTheTerminalIsGone(t *testing.T) {
	gone := errors.New("gone")
	l := NewLive(writerFunc(func([]byte) (int, error) { return 0, gone }), Theme{Size: sized(80, 24)})
	s := newScript(nil)
	_ = l.Handle(event.PipelineStarted{At: s.at(0, 0, "")})
	if err := l.Handle(event.PipelineFinished{At: s.at(0, 0, "")}); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

func TestLiveThatSawNothingPrintsNothing(t *testing.T) {
	v := newVT(t, 80, 24)
	l := NewLive(v, Theme{Size: v.size})
	if err := l.Close(); err != nil || strings.TrimSpace(v.text()) != "" {
		t.Errorf("%v, %q", err, v.text())
	}
}
