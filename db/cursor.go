package db

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Cursor is a place in a job's log: how far each of its steps was read.
// The zero Cursor is the beginning. It means the same while the job runs and
// after its log was packed, in every process, and for good: String and
// ParseCursor carry it over a wire.
//
// A log is not one stream but one for each step, because a background step
// writes while others do. The Cursor lists the steps that were not read to
// their end, up to the last one touched; steps before that which it does not
// list were.
type Cursor struct{ open []place }

type place struct {
	step   int
	offset int64
	done   bool // read to its end; only the last place of a cursor may be
}

// At returns the cursor at a byte of a step's text. Read with it, a whole
// job begins in the middle of that step.
func At(step int, offset int64) Cursor { return Cursor{[]place{{step: step, offset: offset}}} }

// step says where to go on in a step, and whether it was read to its end.
func (c Cursor) step(number int) (offset int64, done bool) {
	for _, p := range c.open {
		if p.step == number {
			return p.offset, false
		}
	}
	return 0, len(c.open) > 0 && number < c.open[len(c.open)-1].step
}

// moved returns the cursor after a step was read up to offset, to its end
// where done says so. Steps are moved over in their order.
func (c Cursor) moved(step int, offset int64, done bool) Cursor {
	moved := place{step, offset, done}
	var open []place
	for _, p := range c.open {
		if p.step != step {
			open = append(open, p)
		}
	}
	open = append(open, moved)
	slices.SortFunc(open, func(a, b place) int { return a.step - b.step })
	last := len(open) - 1 // stays: it tells how far the cursor got
	return Cursor{append(slices.DeleteFunc(open[:last:last], func(p place) bool { return p.done }), open[last])}
}

// String writes the cursor: "2.4096_5.100" is byte 4096 of step 2 and byte
// 100 of step 5; steps 1, 3 and 4 are read. The zero Cursor is "".
func (c Cursor) String() string {
	var b strings.Builder
	for i, p := range c.open {
		if i > 0 {
			b.WriteByte('_')
		}
		fmt.Fprintf(&b, "%d.%d", p.step, p.offset)
	}
	return b.String()
}

// ParseCursor reads what String wrote.
func ParseCursor(text string) (Cursor, error) {
	var c Cursor
	if text == "" {
		return c, nil
	}
	for part := range strings.SplitSeq(text, "_") {
		p, ok := parsePlace(part)
		if !ok || len(c.open) > 0 && c.open[len(c.open)-1].step >= p.step {
			return Cursor{}, fmt.Errorf("log cursor %q: want steps in order and bytes, like 2.4096_5.100", text)
		}
		c.open = append(c.open, p)
	}
	return c, nil
}

func parsePlace(text string) (p place, ok bool) {
	step, offset, found := strings.Cut(text, ".")
	if !found {
		return p, false
	}
	number, err := strconv.ParseUint(step, 10, 31)
	if err != nil {
		return p, false
	}
	at, err := strconv.ParseUint(offset, 10, 63)
	return place{step: int(number), offset: int64(at)}, err == nil
}

// Passed says how far c has got in a step: every byte before offset was read,
// and all of them where done is true.
func (c Cursor) Passed(step int) (offset int64, done bool) { return c.step(step) }

// Covers says whether everything that other has passed was passed by c too.
func (c Cursor) Covers(other Cursor) bool {
	for _, p := range slices.Concat(c.open, other.open) {
		mine, all := c.step(p.step)
		theirs, theirAll := other.step(p.step)
		if !all && (theirAll || mine < theirs) {
			return false
		}
	}
	return true
}
