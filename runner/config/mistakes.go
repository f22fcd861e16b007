package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/go-multierror"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// maxMistakes is how many mistakes one call reports; nobody mends more at once.
const maxMistakes = 100

// maxMessage is how much of a message is kept: it quotes what stands in the file.
const maxMessage = 600

// mistakes collects what is wrong, one mistake a place.
type mistakes struct {
	list []*Error
	seen map[plan.Pos]bool
}

// add takes a mistake, unless one of the same place is known: what follows
// from a mistake is often said to be wrong at the same place again.
func (m *mistakes) add(e *Error) {
	if m.seen == nil {
		m.seen = map[plan.Pos]bool{}
	}
	if len(e.Message) > maxMessage {
		e.Message = strings.ToValidUTF8(e.Message[:maxMessage], "") + "…"
	}
	if !m.seen[e.Pos] && !m.full() {
		m.seen[e.Pos] = true
		m.list = append(m.list, e)
	}
}

// full tells that nothing more is taken: what costs time to say need not be said.
func (m *mistakes) full() bool { return len(m.list) >= maxMistakes }

// at reports a mistake at a node.
func (m *mistakes) at(n *tree.Node, message, hint string) {
	m.add(&Error{Pos: n.Pos(), Message: message, Hint: hint})
}

// err is nil, or all mistakes in the order of their places.
func (m *mistakes) err() error {
	if len(m.list) == 0 {
		return nil
	}
	slices.SortStableFunc(m.list, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	all := &multierror.Error{ErrorFormat: list}
	for _, e := range m.list {
		all.Errors = append(all.Errors, e)
	}
	return all
}

// join puts the mistakes of two passes together; where both found one at the
// same place, the first knows better.
func join(first, second error) error {
	m := &mistakes{}
	for _, err := range []error{first, second} {
		if all, ok := err.(*multierror.Error); ok {
			for _, e := range all.Errors {
				m.add(e.(*Error))
			}
		}
	}
	return m.err()
}

// list prints one mistake a line.
func list(errs []error) string {
	lines := make([]string, len(errs))
	for i, e := range errs {
		lines[i] = e.Error()
	}
	if len(errs) == maxMistakes {
		lines = append(lines, fmt.Sprintf("(the first %d mistakes; there may be more)", maxMistakes))
	}
	return strings.Join(lines, "\n")
}
