package runner

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

const testToken = "\x1eabab"

// demuxed takes a stream apart that arrives in pieces.
func demuxed(pieces ...[]byte) (text string, control []string) {
	var b bytes.Buffer
	d := &demux{
		token:   []byte(testToken),
		text:    func(p []byte) { b.Write(p) },
		control: func(line string) { control = append(control, line) },
	}
	for _, p := range pieces {
		lent := bytes.Clone(p)
		_, _ = d.Write(lent)
		clear(lent) // the bytes were only lent
	}
	d.Flush()
	return b.String(), control
}

func TestDemux(t *testing.T) {
	const tok = testToken
	tests := []struct {
		name, stream string
		text         string
		control      []string
	}{
		{"nothing", "", "", nil},
		{"text", "hello\nworld", "hello\nworld", nil},
		{"a control line", tok + " end 2 0\n", "", []string{"end 2 0"}},
		{"between text", "a\n" + tok + " end 2 0\nb\n", "a\nb\n", []string{"end 2 0"}},
		{"after text without end of line", "prompt: " + tok + " end 2 0\nb", "prompt: b", []string{"end 2 0"}},
		{"one after the other", tok + " done 0\n" + tok + " end 2 1\n", "", []string{"done 0", "end 2 1"}},
		{"an empty one", tok + "\n" + tok + " \n", "", []string{"", ""}},
		{"spaces inside stay", tok + " bg 2  a  b \n", "", []string{"bg 2  a  b "}},
		{"binary", "\x00\xff\x1e\r" + tok + " done 0\n\x00", "\x00\xff\x1e\r\x00", []string{"done 0"}},
		{"the beginning of a token is text", tok[:4] + "x" + tok[:2] + tok[:4], tok[:4] + "x" + tok[:2] + tok[:4], nil},
		{"a token after its own beginning", tok[:3] + tok + " done 0\n", tok[:3], []string{"done 0"}},
		{"a control line that never ends is text", "a" + tok + " do", "a" + tok + " do", nil},
		{"a line that another tore apart", tok + " bg 3 to" + tok + " end 2 0\nrn\n", "rn\n", []string{"bg 3 to", "end 2 0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, control := demuxed([]byte(tt.stream))
			if text != tt.text || !slices.Equal(control, tt.control) {
				t.Errorf("got %q and %q", text, control)
			}
			for at := range len(tt.stream) + 1 {
				text, control := demuxed([]byte(tt.stream[:at]), []byte(tt.stream[at:]))
				if text != tt.text || !slices.Equal(control, tt.control) {
					t.Errorf("cut at %d: got %q and %q", at, text, control)
				}
			}
		})
	}
}

func TestDemuxLetsTextThroughAtOnce(t *testing.T) {
	var got []byte
	d := &demux{token: []byte(testToken), text: func(p []byte) { got = append(got, p...) }}
	for _, piece := range []string{"Password: ", "abab", "ab\x1d"} {
		got = nil
		_, _ = d.Write([]byte(piece))
		if string(got) != piece {
			t.Errorf("of %q only %q came through", piece, got)
		}
	}
}

// cut cuts data into pieces of the lengths that cuts give.
func cut(data, cuts []byte) [][]byte {
	var pieces [][]byte
	for i := 0; len(data) > 0; i++ {
		n := len(data)
		if i < len(cuts) {
			n = min(int(cuts[i]), n)
		}
		pieces, data = append(pieces, data[:n]), data[n:]
	}
	return pieces
}

// Wherever a stream is cut, the same comes out; and what goes in comes out,
// once each, either as text or as a control line.
func FuzzDemux(f *testing.F) {
	f.Add([]byte("a"+testToken+" end 2 0\nb"), []byte{1, 1, 3})
	f.Add([]byte(testToken+" bg 1 x"+testToken+" end 2 0\ny\n"+testToken[:3]), []byte{5, 0, 7})
	f.Add([]byte("\x1ea\x1eab\x1eabab\n\x1eabab"), []byte{1, 2, 1, 2})
	f.Fuzz(func(t *testing.T, data, cuts []byte) {
		text, control := demuxed(data)
		cutText, cutControl := demuxed(cut(data, cuts)...)
		if text != cutText || !slices.Equal(control, cutControl) {
			t.Fatalf("whole: %q %q\ncut:   %q %q", text, control, cutText, cutControl)
		}
		if !bytes.Contains(data, []byte(testToken)) && (text != string(data) || control != nil) {
			t.Fatalf("text was changed: %q %q", text, control)
		}
		size := len(text)
		for _, line := range control {
			size += len(testToken) + len(line)
		}
		if spare := len(data) - size; spare < 0 || spare > 2*len(control) { // a blank and a newline each
			t.Fatalf("%d bytes in, %d out in %q %q", len(data), size, text, control)
		}
	})
}

func BenchmarkDemux(b *testing.B) {
	var piece []byte
	for i := range 800 {
		piece = fmt.Appendf(piece, "%078d\n", i)
	}
	d := &demux{token: []byte(newToken()), text: func([]byte) {}}
	b.SetBytes(int64(len(piece)))
	for b.Loop() {
		_, _ = d.Write(piece)
	}
}
