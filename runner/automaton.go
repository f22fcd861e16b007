package runner

import (
	"encoding/binary"
	"math/bits"
)

// An automaton finds many patterns in one pass over a text: that of Aho and
// Corasick. Before it stands a filter, for nearly all text has nothing to do
// with any pattern.
type automaton struct {
	first  [256]int32 // the state after a byte, from the beginning
	states []state    // the beginnings of patterns; states[0] has seen nothing
	filter []uint64   // a bit for each hash of four bytes that a pattern begins with
	shift  uint       // what makes a hash an index into filter
}

// A state is a beginning of a pattern. A secret can be a key file: states are
// small, so their children are a list.
type state struct {
	c              byte  // the byte that leads here
	child, sibling int32 // longer by one byte; of the same parent; 0: no more
	back           int32 // the longest end of this that begins a pattern as well
	open           int32 // the length of the longest end that can go on as a pattern
	match          int32 // the length of the longest pattern that ends here
	owner          int32 // whose pattern that is
}

// shortest is the length of the shortest pattern: the filter looks at so much.
const shortest = 4

func newAutomaton() *automaton { return &automaton{states: make([]state, 1, 64)} }

// add adds a pattern of at least four bytes. The first owner of a pattern
// keeps it.
func (a *automaton) add(pattern string, owner int32) {
	at := int32(0)
	for i := range len(pattern) {
		next := a.child(at, pattern[i])
		if next == 0 {
			next = int32(len(a.states))
			a.states = append(a.states, state{c: pattern[i], sibling: a.states[at].child, open: int32(i + 1)})
			a.states[at].child = next
			if at == 0 {
				a.first[pattern[i]] = next
			}
		}
		at = next
	}
	if s := &a.states[at]; s.match == 0 {
		s.match, s.owner = int32(len(pattern)), owner
	}
}

// child returns the state after at and c, if a pattern goes on like that.
func (a *automaton) child(at int32, c byte) int32 {
	if at == 0 {
		return a.first[c]
	}
	next := a.states[at].child
	for next != 0 && a.states[next].c != c {
		next = a.states[next].sibling
	}
	return next
}

// next returns the state after at and c.
func (a *automaton) next(at int32, c byte) int32 {
	for at != 0 {
		if next := a.child(at, c); next != 0 {
			return next
		}
		at = a.states[at].back
	}
	return a.first[c]
}

// link makes the automaton ready, once all patterns are in it. Shorter states
// first, it fills in where to go when a pattern does not go on.
func (a *automaton) link() {
	order := make([]int32, 1, len(a.states))
	for i := 0; i < len(order); i++ {
		parent := order[i]
		for at := a.states[parent].child; at != 0; at = a.states[at].sibling {
			order = append(order, at)
			s := &a.states[at]
			if parent != 0 {
				s.back = a.next(a.states[parent].back, s.c)
			}
			back := a.states[s.back]
			if s.match == 0 { // a pattern that ends here is the longest that does
				s.match, s.owner = back.match, back.owner
			}
			if s.child == 0 {
				s.open = back.open
			}
		}
	}
	a.sift(order)
}

// sift makes the filter, large enough that one in a hundred of its bits is set.
func (a *automaton) sift(states []int32) {
	parents := make([]int32, len(a.states))
	for at := range a.states {
		for c := a.states[at].child; c != 0; c = a.states[c].sibling {
			parents[c] = int32(at)
		}
	}
	var begins []uint32
	depths := make([]int8, len(a.states))
	for _, at := range states[1:] {
		parent := parents[at]
		if depths[parent] >= shortest {
			break // in the order of their lengths
		}
		if depths[at] = depths[parent] + 1; depths[at] == shortest {
			begins = append(begins, a.word(at, parents))
		}
	}
	size := min(max(bits.Len(uint(len(begins)*100)), 10), 22)
	a.filter, a.shift = make([]uint64, 1<<size/64), uint(32-size)
	for _, w := range begins {
		h := w * mix >> a.shift
		a.filter[h/64] |= 1 << (h % 64)
	}
}

// word is the four bytes that lead to a state.
func (a *automaton) word(at int32, parents []int32) uint32 {
	var b [shortest]byte
	for i := range b {
		b[shortest-1-i] = a.states[at].c
		at = parents[at]
	}
	return binary.LittleEndian.Uint32(b[:])
}

// mix spreads the hashes: 2^32 divided by the golden ratio.
const mix = 0x9E3779B1

// candidate returns where in p the first pattern may begin. Of the last three
// bytes it cannot know.
func (a *automaton) candidate(p []byte) int {
	i, filter, shift := 0, a.filter, a.shift
	for ; i+shortest <= len(p); i++ {
		h := binary.LittleEndian.Uint32(p[i:]) * mix >> (shift & 31)
		if filter[h/64]>>(h%64)&1 != 0 {
			break
		}
	}
	return i
}
