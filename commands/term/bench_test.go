package term

import (
	"io"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// Each benchmark takes a million lines of 80 bytes through a sink.

func BenchmarkPlainMillionLines(b *testing.B) {
	million(b, func() event.Sink { return NewPlain(io.Discard, Theme{Color: true}) })
}

func BenchmarkJSONMillionLines(b *testing.B) {
	million(b, func() event.Sink { return NewJSON(io.Discard) })
}

func BenchmarkLiveMillionLines(b *testing.B) {
	million(b, func() event.Sink { return NewLive(io.Discard, Theme{Size: sized(80, 24)}) })
}

func BenchmarkSummaryMillionLines(b *testing.B) {
	million(b, func() event.Sink { return NewSummary(io.Discard, Theme{}) })
}

func million(b *testing.B, sink func() event.Sink) {
	line := strings.Repeat("x", 79) + "\n"
	for b.Loop() {
		s := newScript(sink())
		s.emit(event.JobQueued{At: s.at(1, 0, "a")})
		s.emit(event.JobStarted{At: s.at(1, 0, "a")})
		s.step(1, 1, "a", "one", "run")
		var e event.Event = event.Output{At: s.at(1, 1, "a"), Text: line}
		for range 1_000_000 {
			_ = s.sink.Handle(e)
		}
		if c, ok := s.sink.(io.Closer); ok {
			_ = c.Close()
		}
	}
}
