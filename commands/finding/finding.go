// Package finding is what checks of a config find, and the formats in which
// other programs read it: JSON, annotations of GitHub Actions, and SARIF.
package finding

import "github.com/popsicle-ci/popsicle/runner/plan"

// A Severity says how much a finding matters.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // nothing runs before this is mended
	Warning Severity = "warning" // likely a mistake
	Note    Severity = "note"    // what popsicle leaves out or replaces here
)

// A Finding is one thing found in a config file. For GitHub and SARIF, file
// names begin at the top of the checkout.
type Finding struct {
	Severity Severity
	Code     string   // of a warning: "unused-job"; of a note: the key; else empty
	Pos      plan.Pos // columns count characters
	Message  string   // what is wrong
	Hint     string   // what would be right; may be empty
	Related  plan.Pos // a second place that takes part; its line is 0 where there is none
	Source   string   // the line of the file, for people; may be empty
}

// rule names the kind of finding; errors are all of one.
func (f Finding) rule() string {
	if f.Severity == Error {
		return "config-error"
	}
	return f.Code
}

// text is the finding in words.
func (f Finding) text() string {
	if f.Hint == "" {
		return f.Message
	}
	return f.Message + "; " + f.Hint
}
