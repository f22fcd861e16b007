package tree

import (
	"fmt"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// An Error is one mistake in a config file, and what would be right.
type Error struct {
	Pos     plan.Pos
	Message string   // what is wrong, what was found
	Hint    string   // what would be right; may be empty
	Related plan.Pos // a second place that takes part, such as the first of two equal keys
	Code    string   // of a lint warning; empty for errors
}

// Error is "file:line:column: what is wrong; what would be right".
func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %s", e.Pos, e.Message)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}
