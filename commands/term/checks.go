package term

import (
	"fmt"
	"io"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A Check is one thing that was looked at, and what to do where it is not as
// it should be.
type Check struct {
	Name  string     `json:"name"`
	Level CheckLevel `json:"level"`
	Text  string     `json:"text"`
	Fix   string     `json:"fix,omitempty"` // what to type, or to read
}

// A CheckLevel says how a check came out.
type CheckLevel string

// The levels.
const (
	Well    CheckLevel = "ok"
	Warning CheckLevel = "warning" // popsicle runs, and could run better
	Broken  CheckLevel = "failed"  // it cannot do its part
)

// mark is the symbol of a check.
func (c Check) mark(t Theme) string {
	switch c.Level {
	case Well:
		return t.mark(event.Success)
	case Warning:
		return t.paint(yellow, "!")
	}
	return t.mark(event.Failed)
}

// Checks prints checks one a line, and below each what to do.
func Checks(w io.Writer, checks []Check, theme Theme) error {
	width := 0
	for _, c := range checks {
		width = max(width, len(c.Name))
	}
	var b strings.Builder
	for _, c := range checks {
		fmt.Fprintf(&b, "%s %-*s  %s\n", c.mark(theme), width, c.Name, clean(c.Text))
		for line := range strings.Lines(c.Fix) {
			fmt.Fprintf(&b, "  %*s  %s\n", width, "", theme.paint(faint, theme.pick("→ ", "-> ")+clean(strings.TrimRight(line, "\n"))))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
