package term

import (
	"cmp"
	"slices"
)

// A drawing is layers of knots with a row and a column each, and the nets of
// lines between them.
type drawing struct {
	layers        [][]*knot
	left          []int    // column at which each layer begins
	wide          []int    // its width
	nets          [][]*net // between layer i and i+1
	width, height int
}

// A net is lines that hang together: from each of its sources to the
// vertical line in its lane, and from there to each of its targets.
type net struct {
	group
	lane        int
	top, bottom int // rows of the vertical line
}

// lay gives every knot its place.
func lay(layers [][]*knot) *drawing {
	d := &drawing{layers: layers}
	x := 0
	for i, layer := range layers {
		seat(layer)
		wide := 0
		for _, k := range layer {
			wide = max(wide, width(k.label))
		}
		if i > 0 {
			nets := unsnarl(layers[i-1], layer)
			d.nets = append(d.nets, nets)
			x += channelWidth(nets)
		}
		d.left, d.wide = append(d.left, x), append(d.wide, wide)
		x += wide
		if wide > 0 {
			x += 2 // a space on each side of a label
		}
	}
	d.width = x
	for _, k := range slices.Concat(layers...) {
		d.height = max(d.height, k.row+1)
	}
	return d
}

// channelWidth is the room that the lanes of nets take.
func channelWidth(nets []*net) int {
	lanes := 0
	for _, n := range nets {
		lanes = max(lanes, n.lane+1)
	}
	return 2*max(lanes, 1) + 1
}

// seat gives the knots of a layer rows: in the order of the highest knot each
// comes from, and no higher than that, so that most lines run straight.
func seat(layer []*knot) {
	slices.SortStableFunc(layer, func(a, b *knot) int {
		return cmp.Or(cmp.Compare(highest(a.from), highest(b.from)), cmp.Compare(bendLast(a), bendLast(b)), cmp.Compare(a.place, b.place))
	})
	next := 0
	for _, k := range layer {
		k.row = max(next, highest(k.from))
		next = k.row + 1
	}
}

func highest(knots []*knot) int {
	if len(knots) == 0 {
		return 0
	}
	return slices.MinFunc(knots, func(a, b *knot) int { return a.row - b.row }).row
}

func bendLast(k *knot) int {
	if k.label == "" {
		return 1
	}
	return 0
}

// unsnarl makes the nets between two layers and gives them lanes. Where a row
// has a source of one net and a target of another, the first must turn off
// before the second begins. If that leads in a circle, a target of it moves
// to a row of its own.
func unsnarl(sources, targets []*knot) []*net {
	for {
		nets := netsOf(targets)
		circle := assignLanes(nets)
		if circle == nil {
			return nets
		}
		free := 0
		for _, k := range slices.Concat(sources, targets) {
			free = max(free, k.row+1)
		}
		circle.row = free
	}
}

func netsOf(targets []*knot) []*net {
	var nets []*net
	for _, g := range groupsOf(targets) {
		n := &net{group: g, lane: -1}
		rows := []int{}
		for _, k := range slices.Concat(g.sources, g.targets) {
			rows = append(rows, k.row)
		}
		n.top, n.bottom = slices.Min(rows), slices.Max(rows)
		nets = append(nets, n)
	}
	slices.SortStableFunc(nets, func(a, b *net) int { return a.top - b.top })
	return nets
}

// straight says whether the net is one line without a bend.
func (n *net) straight() bool { return n.top == n.bottom }

// assignLanes gives each net the first lane in which no other is in its way,
// behind those that must turn off before it. It returns a target whose net
// waits in a circle, or nil.
func assignLanes(nets []*net) *knot {
	bySource := map[int]*net{}
	for _, n := range nets {
		for _, k := range n.sources {
			bySource[k.row] = n
		}
	}
	for left := len(nets); left > 0; {
		before := left
		for _, n := range nets {
			if n.lane < 0 && n.blocked(bySource) == nil {
				n.lane = n.firstLane(nets, bySource)
				left--
			}
		}
		if left == before {
			return firstBlocked(nets, bySource)
		}
	}
	return nil
}

// blocked is a target in whose row a net without a lane still begins, or nil.
func (n *net) blocked(bySource map[int]*net) *knot {
	for _, k := range n.targets {
		if other := bySource[k.row]; other != nil && other != n && other.lane < 0 {
			return k
		}
	}
	return nil
}

func firstBlocked(nets []*net, bySource map[int]*net) *knot {
	for _, n := range nets {
		if n.lane < 0 {
			return n.blocked(bySource)
		}
	}
	return nil
}

// firstLane is the first lane that n can take.
func (n *net) firstLane(nets []*net, bySource map[int]*net) int {
	lane := 0
	for _, k := range n.targets {
		if other := bySource[k.row]; other != nil && other != n {
			lane = max(lane, other.lane+1)
		}
	}
	if n.straight() {
		return lane
	}
	for slices.ContainsFunc(nets, func(o *net) bool {
		return o != n && o.lane == lane && !o.straight() && o.top <= n.bottom && n.top <= o.bottom
	}) {
		lane++
	}
	return lane
}
