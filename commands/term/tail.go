package term

import "strings"

// tailLines and tailBytes bound what a tail keeps: a step may print ten
// million lines, or one of ten megabytes.
const (
	tailLines = 20
	tailBytes = 16 << 10
)

// A tail keeps the last lines of what a step wrote.
type tail struct{ text []byte }

// write adds text. Only what can still be among the last lines is copied.
func (t *tail) write(text string) {
	last := lastLines(text)
	if len(last) < len(text) {
		t.text = t.text[:0] // what was before is no neighbour of it
	}
	t.text = append(t.text, last...)
	if len(t.text) > 2*tailBytes {
		rest := lastLines(string(t.text))
		t.text = append(t.text[:0], rest...)
	}
}

// lines returns the last n lines, oldest first, safe to print; a line that
// was overwritten after a carriage return counts as it looked at the end.
func (t *tail) lines(n int, colors bool) []string {
	f := filter{keep: colors}
	shown := string(f.append(nil, lastLines(string(t.text))))
	shown = strings.TrimRight(strings.ReplaceAll(shown, "\r\n", "\n"), "\n")
	if shown == "" {
		return nil
	}
	lines := strings.Split(shown, "\n")
	lines = lines[max(0, len(lines)-n):]
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(afterReturn(line), "\t", "    ")
	}
	return lines
}

// afterReturn is what stands on the screen after the carriage returns of a
// line have been carried out.
func afterReturn(line string) string {
	line = strings.TrimRight(line, "\r")
	return line[strings.LastIndexByte(line, '\r')+1:]
}

// lastLines is the end of text: at most tailLines whole lines, the unended
// one after them, and at most tailBytes.
func lastLines(text string) string {
	text = text[max(0, len(text)-tailBytes):]
	end := len(text)
	for range tailLines + 1 {
		i := strings.LastIndexByte(text[:end], '\n')
		if i < 0 {
			return text
		}
		end = i
	}
	return text[end+1:]
}
