package chart

import (
	"cmp"
	"slices"
)

// A spot is a place in the drawing of a workflow: a node, or a bend where a
// line passes a layer.
type spot struct {
	node     *node // nil: a bend
	layer    int
	row      int // its place in the layer
	x, y     float64
	end      float64 // the right side of its layer: up to there its lines run straight
	from, to []*spot
}

// A layout is a workflow drawn from left to right: a layer for each rank, and
// each line leading from one layer to the next.
type layout struct {
	layers        [][]*spot
	gaps          []float64 // the room before each layer
	spots         map[*node]*spot
	bends         map[bend]*spot
	width, height float64
}

// bend names the bend of all lines of a node in a layer: they share it.
type bend struct {
	of    *node
	layer int
}

// The sizes of a drawing, in pixels.
const (
	charWidth  = 7.3 // of a monospaced font of 12 pixels
	nodeHeight = 30.0
	nodeGap    = 14.0
	bendHeight = 6.0
	layerGap   = 56.0
	padding    = 12.0 // between a label and its box
)

func newLayout(g *graph) *layout {
	l := &layout{spots: map[*node]*spot{}, bends: map[bend]*spot{}}
	for _, n := range g.nodes {
		l.spots[n] = l.add(&spot{node: n, layer: n.rank})
	}
	l.gaps = make([]float64, len(l.layers))
	for _, e := range g.edges {
		l.lead(l.spots[e.from], l.spots[e.to])
		l.gaps[e.to.rank] = max(l.gaps[e.to.rank], layerGap, labelWidth(e.label)+3*padding)
	}
	l.order()
	l.place()
	return l
}

func (l *layout) add(s *spot) *spot {
	for len(l.layers) <= s.layer {
		l.layers = append(l.layers, nil)
	}
	s.row = len(l.layers[s.layer])
	l.layers[s.layer] = append(l.layers[s.layer], s)
	return s
}

// lead draws a line between two nodes, with a bend in each layer between.
func (l *layout) lead(from, to *spot) {
	at := from
	for layer := from.layer + 1; layer < to.layer; layer++ {
		key := bend{from.node, layer}
		next := l.bends[key]
		if next == nil {
			next = l.add(&spot{layer: layer})
			l.bends[key] = next
			join(at, next)
		}
		at = next
	}
	join(at, to)
}

func join(from, to *spot) {
	from.to = append(from.to, to)
	to.from = append(to.from, from)
}

// sweeps is how often the layers are put in order; more would change little.
const sweeps = 4

// order sorts each layer by where the lines of its spots lead, first from the
// left and then from the right, so that few lines cross.
func (l *layout) order() {
	for range sweeps {
		for _, layer := range l.layers {
			sortBy(layer, func(s *spot) []*spot { return s.from })
		}
		for _, layer := range slices.Backward(l.layers) {
			sortBy(layer, func(s *spot) []*spot { return s.to })
		}
	}
	for _, layer := range l.layers {
		sortBy(layer, func(s *spot) []*spot { return s.from })
	}
}

// sortBy sorts a layer by the middle of each spot's neighbours; those without
// stay where they are.
func sortBy(layer []*spot, neighbours func(*spot) []*spot) {
	middles := map[*spot]float64{}
	for _, s := range layer {
		middles[s] = float64(s.row)
		if list := neighbours(s); len(list) > 0 {
			sum := 0
			for _, n := range list {
				sum += n.row
			}
			middles[s] = float64(sum) / float64(len(list))
		}
	}
	slices.SortStableFunc(layer, func(a, b *spot) int { return cmp.Compare(middles[a], middles[b]) })
	for i, s := range layer {
		s.row = i
	}
}

// place gives each spot its place: a layer beside the other, and in a layer
// each as near as can be to the middle of those its lines come from.
func (l *layout) place() {
	x := 0.0
	for i, layer := range l.layers {
		x += l.gaps[i]
		wide, next := 0.0, 0.0
		for _, s := range layer {
			s.x = x
			s.y = max(next, s.wish())
			next = s.y + s.height() + nodeGap
			wide = max(wide, s.width())
			l.height = max(l.height, s.y+s.height())
		}
		x += wide
		for _, s := range layer {
			s.end = x
		}
	}
	l.width = x
}

// wish is where a spot would stand in line with those it comes from.
func (s *spot) wish() float64 {
	if len(s.from) == 0 {
		return 0
	}
	sum := 0.0
	for _, f := range s.from {
		sum += f.middle()
	}
	return sum/float64(len(s.from)) - s.height()/2
}

func (s *spot) height() float64 {
	if s.node == nil {
		return bendHeight
	}
	return nodeHeight
}

func (s *spot) middle() float64 { return s.y + s.height()/2 }

func (s *spot) width() float64 {
	if s.node == nil {
		return 0
	}
	return textWidth(s.node.label) + 2*padding
}

// labelWidth is how wide the label of a line is, in its smaller font.
func labelWidth(text string) float64 { return textWidth(text) * 10 / 12 }

// textWidth is about how wide a text is; wide characters take two columns.
func textWidth(text string) float64 {
	columns := 0
	for _, r := range text {
		columns++
		if r >= 0x1100 {
			columns++
		}
	}
	return float64(columns) * charWidth
}
