package term

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// width is the number of columns text takes on a terminal; escape sequences
// take none. It is the sum over code points, as terminals without grapheme
// clustering count: where the two differ it is the larger.
func width(text string) int { return ansi.StringWidthWc(text) }

// truncate cuts text to columns and marks the cut; 0 is no limit. Colours
// stay whole and closed.
func (t Theme) truncate(text string, columns int) string {
	if columns <= 0 || width(text) <= columns {
		return text
	}
	return ansi.TruncateWc(text, columns, t.pick("…", "~"))
}

// pad fills text with spaces to columns.
func pad(text string, columns int) string {
	if missing := columns - width(text); missing > 0 {
		return text + strings.Repeat(" ", missing)
	}
	return text
}

// padLeft puts the spaces of pad in front.
func padLeft(text string, columns int) string {
	if missing := columns - width(text); missing > 0 {
		return strings.Repeat(" ", missing) + text
	}
	return text
}

// spread sets left and right at the two ends of a row of columns; left gives
// way where there is not room for both. Without a limit they stand two
// spaces apart.
func (t Theme) spread(left, right string, columns int) string {
	switch {
	case right == "":
		return t.truncate(left, columns)
	case columns <= 0:
		return left + "  " + right
	}
	room := columns - width(right) - 1
	if room < 1 {
		return t.truncate(left, columns)
	}
	return pad(t.truncate(left, room), room) + " " + right
}

// wrap breaks text at spaces into lines of at most columns; 0 is no limit.
func wrap(text string, columns int) []string {
	if columns > 0 {
		text = ansi.WrapWc(text, columns, "")
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return lines
}

// clean makes a name of a config or a remote safe to show in one line: no
// control characters, and none that turn the direction of what follows.
func clean(name string) string {
	if !strings.ContainsFunc(name, harmful) {
		return name
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case harmful(r):
			return -1
		}
		return r
	}, name)
}

// harmful says whether r has no place in a name: controls of C0 and C1, bytes
// that are no UTF-8, and the bidirectional format characters.
func harmful(r rune) bool {
	return unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Bidi_Control, r)
}
