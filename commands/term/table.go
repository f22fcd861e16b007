package term

import (
	"io"
	"slices"
	"strings"
)

// A table is rows under common columns. On a terminal it is fitted to the
// width: columns that matter less are left out, then texts are cut. Elsewhere
// it is one line a row, tabs between the raw values of all columns, no head:
// for cut, awk and sort.
type table struct {
	columns []column
	rows    [][]cell
}

// A column is one column of a table.
type column struct {
	title string
	least int  // the width below which it is not cut; 0: it is never cut
	weak  int  // the order of being left out on a narrow terminal, 1 first; 0: never
	right bool // set to the right
	tight bool // the next one stands close
}

// A cell is one value: as people read it, and raw for programs.
type cell struct {
	text  string
	raw   string
	style style
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

// write prints the table.
func (t *table) write(w io.Writer, theme Theme) error {
	if theme.Size == nil {
		return t.writeRaw(w)
	}
	shown, widths := t.fit(theme.columns())
	var b strings.Builder
	head := make([]cell, len(t.columns))
	for i, c := range t.columns {
		head[i] = cell{text: c.title, style: faint}
	}
	for _, row := range append([][]cell{head}, t.rows...) {
		b.WriteString(t.line(row, shown, widths, theme) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *table) writeRaw(w io.Writer) error {
	var b strings.Builder
	for _, row := range t.rows {
		for i, c := range row {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(clean(c.raw))
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// line is one row on a terminal.
func (t *table) line(row []cell, shown, widths []int, theme Theme) string {
	parts := make([]string, len(shown))
	for n, i := range shown {
		text := theme.truncate(clean(row[i].text), widths[i])
		padding := strings.Repeat(" ", widths[i]-width(text))
		text = theme.paint(row[i].style, text)
		if t.columns[i].right {
			text = padding + text
		} else if n < len(shown)-1 {
			text += padding
		}
		if n < len(shown)-1 {
			text += strings.Repeat(" ", t.columns[i].gap())
		}
		parts[n] = text
	}
	return strings.TrimRight(strings.Join(parts, ""), " ")
}

// gap is the space between a column and the next.
func (c column) gap() int {
	if c.tight {
		return 1
	}
	return 2
}

// fit chooses the columns that are shown, and the width of each.
func (t *table) fit(room int) (shown, widths []int) {
	widths = make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = width(c.title)
		for _, row := range t.rows {
			widths[i] = max(widths[i], width(clean(row[i].text)))
		}
		shown = append(shown, i)
	}
	if room <= 0 {
		return shown, widths
	}
	for weak := 1; weak <= len(t.columns) && t.need(shown, widths, t.least) > room; weak++ {
		shown = slices.DeleteFunc(shown, func(i int) bool { return t.columns[i].weak == weak })
	}
	for over := t.need(shown, widths, func(i, w int) int { return w }) - room; over > 0; over-- {
		widest := t.widest(shown, widths)
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return shown, widths
}

// least is the width to which a column can be cut.
func (t *table) least(i, natural int) int {
	if t.columns[i].least == 0 {
		return natural
	}
	return min(natural, t.columns[i].least)
}

// need is the width of the shown columns together.
func (t *table) need(shown, widths []int, of func(i, w int) int) int {
	sum := 0
	for n, i := range shown {
		sum += of(i, widths[i])
		if n < len(shown)-1 {
			sum += t.columns[i].gap()
		}
	}
	return sum
}

// widest is the column that is cut next, or -1 where none can be.
func (t *table) widest(shown, widths []int) int {
	found := -1
	for _, i := range shown {
		if widths[i] > t.least(i, widths[i]) && (found < 0 || widths[i] > widths[found]) {
			found = i
		}
	}
	return found
}

// drop leaves a column out.
func (t *table) drop(i int) {
	t.columns = slices.Delete(slices.Clone(t.columns), i, i+1)
	for n, row := range t.rows {
		t.rows[n] = slices.Delete(row, i, i+1)
	}
}
