package term

import (
	"fmt"
	"strings"
	"testing"
)

// A vt is as much of a terminal as a Live needs: it keeps what stands on the
// screen. Every character is one column wide.
type vt struct {
	t             *testing.T
	columns, rows int
	grid          []string
	row, column   int
	history       []string
	modes         map[string]bool
}

func newVT(t *testing.T, columns, rows int) *vt {
	return &vt{t: t, columns: columns, rows: rows, grid: make([]string, rows), modes: map[string]bool{"?25": true, "?7": true}}
}

func (v *vt) size() (int, int) { return v.columns, v.rows }

func (v *vt) Write(b []byte) (int, error) {
	rest := string(b)
	for rest != "" {
		if sequence, ok := strings.CutPrefix(rest, "\x1b["); ok {
			end := strings.IndexAny(sequence, "ABCDHJKmhl")
			v.control(sequence[:end], sequence[end])
			rest = sequence[end+1:]
			continue
		}
		r := []rune(rest)[0]
		v.print(r)
		rest = rest[len(string(r)):]
	}
	return len(b), nil
}

func (v *vt) control(params string, command byte) {
	switch command {
	case 'A':
		n := 1
		_, _ = fmt.Sscan(params, &n)
		v.row = max(0, v.row-n)
	case 'H':
		v.row, v.column = 0, 0
	case 'K':
		v.grid[v.row] = string([]rune(v.grid[v.row])[:min(v.column, len([]rune(v.grid[v.row])))])
	case 'J':
		v.control("", 'K')
		clear(v.grid[v.row+1:])
	case 'h', 'l':
		v.modes[params] = command == 'h'
	case 'm':
	default:
		v.t.Fatalf("a terminal was sent CSI %s%c", params, command)
	}
}

func (v *vt) print(r rune) {
	switch r {
	case '\r':
		v.column = 0
	case '\n':
		if v.row++; v.row == v.rows {
			v.history = append(v.history, v.grid[0])
			v.grid = append(v.grid[1:], "")
			v.row--
		}
	default:
		if v.column >= v.columns {
			if v.modes["?7"] {
				v.t.Fatalf("row %d is wider than the terminal: %q", v.row, v.grid[v.row])
			}
			return // the terminal cuts it off
		}
		line := []rune(fmt.Sprintf("%-*s", v.columns, v.grid[v.row]))
		line[v.column] = r
		v.grid[v.row] = strings.TrimRight(string(line), " ")
		v.column++
	}
}

// text is all that was ever on the screen and is there still.
func (v *vt) text() string {
	return strings.TrimRight(strings.Join(append(v.history, v.grid...), "\n"), "\n") + "\n"
}

// usable checks that the terminal is as it was found.
func (v *vt) usable() {
	v.t.Helper()
	if !v.modes["?25"] || !v.modes["?7"] || v.modes["?2026"] || v.column != 0 {
		v.t.Errorf("the terminal is left with modes %v, cursor in column %d", v.modes, v.column)
	}
}
