package term

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFilter(t *testing.T) {
	tests := []struct{ in, colors, bare string }{
		{"plain\ttext\r\n", "plain\ttext\r\n", "plain\ttext\r\n"},
		{"\x1b[1;31mred\x1b[m", "\x1b[1;31mred\x1b[m", "red"},
		{"\x1b[38:2::1:2:3mx", "\x1b[38:2::1:2:3mx", "x"},
		{"a\x1b[2Kb\x1b[10;10Hc\x1b[?25ld\x1b[>4;1me", "abcde", "abcde"},
		{"a\x1b]0;title\ab", "ab", "ab"},
		{"a\x1b]52;c;aGk=\x1b\\b", "ab", "ab"},
		{"a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb", "alinkb"},
		{"a\x1bPq#0;1\x1b\\b\x1b_apc\x1b\\c\x1b^pm\x1b\\d\x1bXsos\x1b\\e", "abcde", "abcde"},
		{"a\x1b(Bb\x1b7c\x1bcd", "abcd", "abcd"},
		{"a\u009b2Jb\u009d0;t\u009cc\u0085d", "abcd", "abcd"},
		{"a\x9bb", "a\ufffdb", "a\ufffdb"},
		{"a\x1b]never ends\nb", "a\nb", "a\nb"},
		{"a\x1b[12\nb", "a\nb", "a\nb"},
		{"a\x1b[3\x1b[32mb", "a\x1b[32mb", "ab"},
		{"a\x1b]x\x1b[31mb", "a\x1b[31mb", "ab"},
		{"a\x1b[" + strings.Repeat("1;", 200) + "mb", "ab", "ab"},
		{"bell\a back\b del\x7f nul\x00.", "bell back del nul.", "bell back del nul."},
		{"\xff\xfe日本", "\ufffd\ufffd日本", "\ufffd\ufffd日本"},
	}
	for _, test := range tests {
		for keep, want := range map[bool]string{true: test.colors, false: test.bare} {
			f := filter{keep: keep}
			if got := string(f.append(nil, test.in)); got != want {
				t.Errorf("%q, colours %v: got %q, want %q", test.in, keep, got, want)
			}
		}
	}
}

// FuzzFilter: whatever comes, in whatever pieces, nothing but colours is left
// of escapes, no newline is lost, and the pieces make no difference.
func FuzzFilter(f *testing.F) {
	f.Add("a\x1b[1;31mb\x1b]0;t\ac\u009b2Jd\xff日\n", 3)
	f.Add("\x1bP\x1b[31m\n\x1b[", 1)
	f.Fuzz(func(t *testing.T, text string, cut int) {
		whole := filter{keep: true}
		want := string(whole.append(nil, text))
		if cut = max(0, min(cut, len(text))); cut > 0 {
			pieces := filter{keep: true}
			got := pieces.append(nil, text[:cut])
			if got = pieces.append(got, text[cut:]); string(got) != want {
				t.Fatalf("cut at %d: %q, whole: %q", cut, got, want)
			}
		}
		if !utf8.ValidString(want) || strings.Count(want, "\n") != strings.Count(text, "\n") {
			t.Fatalf("%q became %q", text, want)
		}
		for rest := want; ; {
			_, after, found := strings.Cut(rest, "\x1b")
			if !found {
				break
			}
			params, more, ended := strings.Cut(after, "m")
			if !ended || !strings.HasPrefix(params, "[") || !isSGR([]byte(params[1:])) {
				t.Fatalf("%q left an escape: %q", text, want)
			}
			rest = more
		}
		for _, r := range strings.ReplaceAll(want, "\x1b[", "") {
			if r < ' ' && r != '\n' && r != '\r' && r != '\t' || r >= 0x7f && r < 0xa0 {
				t.Fatalf("%q left %U: %q", text, r, want)
			}
		}
	})
}

// FuzzPlain: however output is cut, and whenever the timer strikes, no
// printed line is lost and nothing panics.
func FuzzPlain(f *testing.F) {
	f.Add("a\rb\x1b[31mc\nd", uint8(2), uint8(1))
	f.Fuzz(func(t *testing.T, text string, cut, tick uint8) {
		pieces := []string{"b:x\n"}
		for len(text) > 0 {
			n := min(len(text), int(cut)+1)
			pieces, text = append(pieces, "a:"+text[:n]), text[n:]
			if tick > 0 && len(pieces)%int(tick) == 0 {
				pieces = append(pieces, "tick", "b:x\n")
			}
		}
		got := lines(t, Theme{Color: true, Unicode: true}, append(pieces, "a:\n", "b:last\n")...)
		if !strings.HasSuffix(got, "last\n") {
			t.Fatalf("got %q", got)
		}
	})
}

func TestTail(t *testing.T) {
	var tl tail
	for range 100_000 {
		tl.write("a line of output\n")
	}
	tl.write("10%\r20%\rdone\r\nprompt: ")
	if cap(tl.text) > 8*tailBytes {
		t.Errorf("a tail holds %d bytes", cap(tl.text))
	}
	got := tl.lines(3, false)
	if want := []string{"a line of output", "done", "prompt: "}; strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q, want %q", got, want)
	}
	var cut tail
	cut.write("a line that ")
	cut.write("goes on\n" + strings.Repeat("x\n", tailLines) + "the end\n")
	if got := cut.lines(2*tailLines, false); slices.ContainsFunc(got, func(l string) bool { return strings.HasPrefix(l, "a line that x") }) {
		t.Errorf("lines that were apart are one: %q", got)
	}
	var long tail
	for range 1000 {
		long.write(strings.Repeat("x", 10_000))
	}
	if n := len(long.lines(5, false)); n != 1 || cap(long.text) > 8*tailBytes {
		t.Errorf("one endless line: %d lines, %d bytes", n, cap(long.text))
	}
}
