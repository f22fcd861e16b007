// Package term is the terminal as a listener of a run, and the drawing of
// plans and of the history. Sinks of a run are Plain (one line an event),
// Live (a tree that moves), Summary (what is left to know at the end) and
// JSON (one object an event). What they know of the terminal comes in a
// Theme; the package reads neither flags nor the environment.
package term

import (
	"strings"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A Theme says what the place that is written to can show. The zero Theme is
// a plain file: no colour, ASCII only, lines as long as they are.
type Theme struct {
	Color   bool // colours may be used; also those in the output of jobs
	Unicode bool // symbols and lines beyond ASCII may be used
	// Size asks the terminal for its columns and rows. It is asked again for
	// every frame, so that a resize needs no signal. nil: not a terminal.
	Size func() (columns, rows int)
}

// UnicodeLocale says whether a locale, given by the values of LC_ALL,
// LC_CTYPE and LANG, writes UTF-8.
func UnicodeLocale(lcAll, lcCtype, lang string) bool {
	for _, locale := range []string{lcAll, lcCtype, lang} {
		if locale != "" {
			l := strings.ToLower(locale)
			return strings.Contains(l, "utf-8") || strings.Contains(l, "utf8")
		}
	}
	return false
}

// columns is the width to fit into; 0 is no limit.
func (t Theme) columns() int {
	if t.Size == nil {
		return 0
	}
	columns, _ := t.Size()
	return max(columns, 0)
}

// A style is the parameters of one SGR sequence. Only the sixteen colours
// that the user's own palette defines are used, so that light and dark
// backgrounds both work, and "faint" in place of grey for the same reason.
type style string

const (
	normal  style = ""
	bold    style = "1"
	faint   style = "2"
	red     style = "31"
	green   style = "32"
	yellow  style = "33"
	cyan    style = "36"
	boldRed style = "1;31"
)

// paint puts text into a style where colours may be used.
func (t Theme) paint(s style, text string) string {
	if !t.Color || s == normal || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// pick returns the first form where Unicode may be used, else the second.
func (t Theme) pick(unicode, ascii string) string {
	if t.Unicode {
		return unicode
	}
	return ascii
}

// symbol is the one-column mark of a status. No two that mean different
// things look alike without colour.
func (t Theme) symbol(s event.Status) string {
	switch s {
	case event.Success:
		return t.pick("✓", "+")
	case event.Failed, event.TimedOut:
		return t.pick("✗", "x")
	case event.Running:
		return t.pick("●", "*")
	case event.OnHold:
		return t.pick("?", "?")
	case event.Canceled, event.Interrupted:
		return t.pick("⊘", "/")
	case event.InfrastructureFail:
		return "!"
	case event.NotRun, event.Skipped:
		return t.pick("–", "-")
	}
	return t.pick("○", ".")
}

// mark is the symbol of a status in its colour.
func (t Theme) mark(s event.Status) string { return t.paint(tint(s), t.symbol(s)) }

// tint is the colour of a status.
func tint(s event.Status) style {
	switch s {
	case event.Success:
		return green
	case event.Failed, event.TimedOut, event.InfrastructureFail:
		return red
	case event.Running:
		return cyan
	case event.OnHold, event.Canceled, event.Interrupted:
		return yellow
	}
	return faint
}

// word says a status to a person.
func word(s event.Status) string {
	switch s {
	case event.Success:
		return "passed"
	case event.NotRun:
		return "not run"
	case event.TimedOut:
		return "timed out"
	case event.InfrastructureFail:
		return "broken"
	case event.OnHold:
		return "on hold"
	case event.Queued, "":
		return "waiting"
	}
	return string(s)
}
