package term

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/popsicle-ci/popsicle/commands/finding"
)

// Findings writes what is wrong with config files for people: each with its
// place, the line of the file with a caret below the word at fault, and what
// would be right.
func Findings(w io.Writer, list []finding.Finding, theme Theme) error {
	out := bufio.NewWriter(w)
	for _, f := range list {
		for _, line := range theme.finding(f) {
			out.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	return out.Flush()
}

func (t Theme) finding(f finding.Finding) []string {
	label := string(f.Severity)
	if f.Code != "" {
		label += "[" + clean(f.Code) + "]"
	}
	head := clean(f.Pos.String()) + ": "
	lines := []string{t.paint(bold, head) + t.paint(severity(f.Severity), label+":") + " " + clean(f.Message)}
	margin := strings.Repeat(" ", 6)
	if f.Source != "" {
		margin = strings.Repeat(" ", max(4, len(fmt.Sprint(f.Pos.Line)))+1)
		lines = append(lines, t.quoted(f, margin)...)
	}
	if f.Hint != "" {
		lines = append(lines, margin+t.paint(faint, "=")+" "+clean(f.Hint))
	}
	if f.Related.Line > 0 {
		lines = append(lines, margin+t.paint(faint, "=")+" see "+clean(f.Related.String()))
	}
	return lines
}

func severity(s finding.Severity) style {
	switch s {
	case finding.Error:
		return boldRed
	case finding.Warning:
		return yellow
	}
	return cyan
}

// widest is how many columns of a source line are shown where no terminal
// says how many there are.
const widest = 120

// quoted is the line of the file, and the caret below it. Of a long line,
// what is around the caret is shown.
func (t Theme) quoted(f finding.Finding, margin string) []string {
	room := widest
	if columns := t.columns(); columns > 0 {
		room = max(columns-len(margin)-2, 20)
	}
	text := []rune(f.Source)
	at := min(max(f.Pos.Column-1, 0), len(text))
	if from := at - room/3; len(text) > room && from > 0 {
		text, at = text[from:], at-from
	}
	word := text[at:]
	word = word[:wordLength(word)]
	before, shown := shownAs(text[:at]), shownAs(text)
	bar := t.paint(faint, t.pick("│", "|"))
	number := fmt.Sprintf("%*d ", len(margin)-1, f.Pos.Line)
	caret := strings.Repeat("^", max(1, min(width(shownAs(word)), room-width(before))))
	return []string{
		t.paint(faint, number) + bar + " " + t.truncate(shown, room),
		margin + bar + " " + strings.Repeat(" ", width(before)) + t.paint(severity(f.Severity), caret),
	}
}

// shownAs makes a part of a line safe to show, with a column for what has none.
func shownAs(text []rune) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case harmful(r):
			return '?'
		}
		return r
	}, string(text))
}

// wordLength is how much of a line the word has that begins it: up to a
// space, a colon or the end of a list, or up to the closing quote.
func wordLength(text []rune) int {
	if len(text) > 0 && strings.ContainsRune(`"'`, text[0]) {
		for i, r := range text[1:] {
			if r == text[0] {
				return i + 2
			}
		}
	}
	for i, r := range text {
		ends := unicode.IsSpace(r) || strings.ContainsRune(",]}", r)
		if ends || r == ':' && (i+1 == len(text) || unicode.IsSpace(text[i+1])) {
			return i
		}
	}
	return len(text)
}
