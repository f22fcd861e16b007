package term

import "strings"

// A canvas is a grid of cells with pieces of lines and labels.
type canvas struct {
	cells  [][]stroke
	labels map[point]string
}

type point struct{ row, column int }

// A stroke is the directions in which lines leave the middle of a cell.
type stroke byte

const (
	up stroke = 1 << iota
	down
	left
	right
)

const across = left | right

func newCanvas(width, height int) *canvas {
	c := &canvas{labels: map[point]string{}}
	for range height {
		c.cells = append(c.cells, make([]stroke, width))
	}
	return c
}

// The signs of each set of directions.
var (
	boxSigns   = []rune(" │││─╯╮┤─╰╭├─┴┬┼")
	asciiSigns = []rune(" |||-+++-+++-+++")
)

// lines is the picture.
func (c *canvas) lines(t Theme) []string {
	signs := asciiSigns
	if t.Unicode {
		signs = boxSigns
	}
	lines := make([]string, len(c.cells))
	for row, cells := range c.cells {
		var line, wire strings.Builder
		flush := func() {
			line.WriteString(t.paint(faint, wire.String()))
			wire.Reset()
		}
		for column := 0; column < len(cells); {
			if text := c.labels[point{row, column}]; text != "" {
				flush()
				line.WriteString(text)
				column += width(text)
				continue
			}
			wire.WriteRune(signs[cells[column]])
			column++
		}
		rest := strings.TrimRight(wire.String(), " ")
		lines[row] = strings.TrimRight(line.String()+t.paint(faint, rest), " ")
	}
	return lines
}

// horizontal draws from one column to another; lines of other nets that it
// meets are interrupted.
func (c *canvas) horizontal(row, from, to int) {
	for column := from; column <= to; column++ {
		c.cells[row][column] = across
	}
}

// draw puts the drawing on a canvas: first the vertical lines, then the
// horizontal ones over them, then the joints of both.
func (d *drawing) draw(c *canvas) {
	for i, layer := range d.layers {
		for _, k := range layer {
			if k.label != "" {
				c.labels[point{k.row, d.left[i] + 1}] = k.label
			}
		}
	}
	for i, nets := range d.nets {
		for _, n := range nets {
			d.verticals(c, i, n)
		}
		for _, n := range nets {
			d.horizontals(c, i, n)
		}
		for _, n := range nets {
			d.joints(c, i, n)
		}
	}
}

// lane is the column of the vertical line of a net behind layer i.
func (d *drawing) lane(i int, n *net) int { return d.end(i) + 1 + 2*n.lane }

// end is the column behind layer i and the space after its labels.
func (d *drawing) end(i int) int {
	if d.wide[i] == 0 {
		return d.left[i]
	}
	return d.left[i] + d.wide[i] + 2
}

func (d *drawing) verticals(c *canvas, i int, n *net) {
	if n.straight() {
		return
	}
	for row := n.top; row <= n.bottom; row++ {
		c.cells[row][d.lane(i, n)] = up | down
	}
}

// horizontals draws from the labels to the lane and from the lane on.
func (d *drawing) horizontals(c *canvas, i int, n *net) {
	lane := d.lane(i, n)
	for _, k := range n.sources {
		from := d.end(i)
		if d.wide[i] > 0 {
			from = d.left[i]
			if k.label != "" {
				from += width(k.label) + 2
			}
		}
		c.horizontal(k.row, from, lane-1)
	}
	for _, k := range n.targets {
		c.horizontal(k.row, lane+1, d.left[i+1]-1)
	}
	if n.straight() {
		c.horizontal(n.top, lane, lane)
	}
}

// joints draws the cells in which the horizontal lines of a net meet its
// vertical one.
func (d *drawing) joints(c *canvas, i int, n *net) {
	if n.straight() {
		return
	}
	joint := func(row int, side stroke) {
		s := c.cells[row][d.lane(i, n)]&^(up|down) | side
		if row > n.top {
			s |= up
		}
		if row < n.bottom {
			s |= down
		}
		c.cells[row][d.lane(i, n)] = s
	}
	for _, k := range n.sources {
		joint(k.row, left)
	}
	for _, k := range n.targets {
		joint(k.row, right)
	}
}
