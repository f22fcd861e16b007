package term

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

func TestPlainGolden(t *testing.T) {
	for name, theme := range map[string]Theme{
		"plain-ascii.txt":   {},
		"plain-unicode.txt": {Unicode: true},
		"plain-color.txt":   {Unicode: true, Color: true},
	} {
		var b bytes.Buffer
		p := NewPlain(&b, theme)
		failing(newScript(p))
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
	}
}

// lines plays pieces of output of two jobs; "tick" lets the timer strike.
func lines(t *testing.T, theme Theme, pieces ...string) string {
	t.Helper()
	var b bytes.Buffer
	p := NewPlain(&b, theme)
	s := newScript(p)
	p.now = func() time.Time { return s.now }
	s.emit(event.JobQueued{At: s.at(1, 0, "a")})
	s.emit(event.JobQueued{At: s.at(2, 0, "b")})
	for _, piece := range pieces {
		switch name, text, isText := strings.Cut(piece, ":"); {
		case isText && name == "a":
			s.output(1, 1, "a", text)
		case isText:
			s.output(2, 1, "b", text)
		case name == "tick":
			s.after(flushAfter)
			p.tick()
		case name == "end":
			s.emit(event.StepFinished{At: s.at(1, 1, "a"), Status: event.Success})
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPlainPartialLines(t *testing.T) {
	tests := []struct {
		name   string
		pieces []string
		want   string
	}{
		{"whole lines", []string{"a:1\n2\n", "b:3\n"}, "a | 1\na | 2\nb | 3\n"},
		{"a line in pieces is one line", []string{"a:he", "b:x\n", "a:llo\n"}, "b | x\na | hello\n"},
		{"a prompt is shown", []string{"a:sure? ", "tick", "a:yes\n"}, "a | sure? yes\n"},
		{"a prompt is cut by another's line", []string{"a:sure? ", "tick", "b:x\n", "a:yes\n"}, "a | sure? \nb | x\na |~yes\n"},
		{"two prompts", []string{"a:1? ", "b:2? ", "tick", "a:y\n", "b:n\n"}, "a | 1? \nb | 2? \na |~y\nb |~n\n"},
		{"a cut line that ends empty needs no more", []string{"a:1", "tick", "b:x\n", "a:\n"}, "a | 1\nb | x\n"},
		{"the wait doubles with each cut", []string{"a:1", "tick", "b:x\n", "a:2", "tick", "b:y\n", "a:3\n"}, "a | 1\nb | x\nb | y\na |~23\n"},
		{"empty lines", []string{"a:\n\n"}, "a | \na | \n"},
		{"the end of a step ends the line", []string{"a:no newline", "end", "b:x\n"}, "a | no newline\nb | x\n"},
		{"the end of the run ends the line", []string{"a:no newline"}, "a | no newline\n"},
		{"progress: only its last state", []string{"a:10%\r", "a:20%\r30%", "a:\rdone\n"}, "a | done\n"},
		{"progress that is shown, then goes on", []string{"a:10%\r", "tick", "a:20%\r", "tick", "a:done\n"}, "a | 10%\na | 20%\na | done\n"},
		{"dos newlines", []string{"a:x\r\ny\r", "a:\nz\r", "tick", "a:\n"}, "a | x\na | y\na | z\n"},
		{"escapes", []string{"a:\x1b]0;title\a\x1b[31mred\x1b[2K\x1b[0m\n"}, "a | red\n"},
		{"a character in two pieces", []string{"a:\xe2\x82", "a:\xac\n"}, "a | €\n"},
	}
	for _, test := range tests {
		if got := lines(t, Theme{}, test.pieces...); got != test.want {
			t.Errorf("%s:\n got %q\nwant %q", test.name, got, test.want)
		}
	}
}

func TestPlainOnATerminal(t *testing.T) {
	theme := Theme{Unicode: true, Size: sized(80, 24)}
	got := lines(t, theme, "a:10%", "tick", "a:\r20%", "tick", "b:x\n", "a:!\n")
	want := "a | 10%\r\x1b[0m\x1b[Ka | 20%\nb | x\na |…!\n"
	if got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestPlainColors(t *testing.T) {
	a, b := "\x1b[35ma\x1b[0m ", "\x1b[34mb\x1b[0m "
	tests := []struct {
		name   string
		pieces []string
		want   string
	}{
		{"a colour ends with its line and goes on with the next", []string{"a:\x1b[31m1\n2\x1b[0m\n3\n"},
			a + "| \x1b[31m1\x1b[0m\n" + a + "| \x1b[31m2\x1b[0m\x1b[0m\n" + a + "| 3\n"},
		{"a colour does not reach the other job", []string{"a:\x1b[1mno", "tick", "b:x\n", "a:w\n"},
			a + "| \x1b[1mno\x1b[0m\n" + b + "| x\n" + a + "|~\x1b[1mw\x1b[0m\n" + ""},
	}
	for _, test := range tests {
		if got := lines(t, Theme{Color: true}, test.pieces...); got != test.want {
			t.Errorf("%s:\n got %q\nwant %q", test.name, got, test.want)
		}
	}
}

// TestPlainShowsAPromptByItself holds the promise of 200 ms against the real clock.
func TestPlainShowsAPromptByItself(t *testing.T) {
	r, w := io.Pipe()
	p := NewPlain(w, Theme{})
	s := newScript(p)
	s.emit(event.JobQueued{At: s.at(1, 0, "a")})
	began := time.Now()
	s.output(1, 1, "a", "password: ")
	got := make([]byte, len("a | password: "))
	if _, err := io.ReadFull(r, got); err != nil {
		t.Fatal(err)
	}
	if string(got) != "a | password: " {
		t.Errorf("got %q", got)
	}
	if took := time.Since(began); took > 5*time.Second { // generous: a busy machine is no bug
		t.Errorf("a prompt took %v", took)
	}
	r.Close()
	if err := s.sink.Handle(event.Output{At: s.at(1, 1, "a"), Text: strings.Repeat("x\n", 1<<17)}); err == nil {
		t.Error("a closed pipe is no error")
	}
}

func TestPlainDoesNotAllocatePerLine(t *testing.T) {
	p := NewPlain(io.Discard, Theme{Color: true})
	s := newScript(p)
	s.emit(event.JobQueued{At: s.at(1, 0, "a")})
	var e event.Event = event.Output{At: s.at(1, 1, "a"), Text: strings.Repeat("x", 79) + "\n"}
	_ = p.Handle(e)
	if n := testing.AllocsPerRun(1000, func() { _ = p.Handle(e) }); n > 0.1 {
		t.Errorf("%v allocations a line", n)
	}
}
