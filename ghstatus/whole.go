package ghstatus

import (
	"cmp"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// What is said of a pipeline as a whole has a line of its own, "popsicle": it
// is there only where no workflow could tell, and no workflow can have its
// name.

// Refuse says that a pipeline of exactly the target's commit could not begin,
// and why: with the first line of why.
func (r *Reporter) Refuse(pipeline int64, why string) error {
	return r.Put(r.whole(pipeline, Error, why))
}

// Begin takes back what Refuse said for an earlier pipeline of the commit.
func (r *Reporter) Begin(pipeline int64) error {
	return r.Put(r.whole(pipeline, Success, "a later pipeline could begin"))
}

// Say says something of a pipeline as a whole, before any workflow of it is
// known.
func (r *Reporter) Say(pipeline int64, state State, text string) error {
	return r.Put(r.whole(pipeline, state, text))
}

// Whole is the context of what is said of a pipeline as a whole.
func (r *Reporter) Whole() string { return cmp.Or(r.Prefix, "popsicle") }

func (r *Reporter) whole(pipeline int64, state State, text string) Status {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	s := Status{Target: r.Target, Context: r.Whole(), State: state, Description: shorten(line), Pipeline: pipeline}
	if r.URL != nil {
		s.TargetURL = r.URL(pipeline)
	}
	return s
}

// sayWhole tells of an end that no workflow has told, as when the config that
// a setup workflow made is wrong.
func (r *Reporter) sayWhole(e event.PipelineFinished) {
	failed := e.Status == event.Failed || e.Status == event.InfrastructureFail
	for _, w := range r.workflows {
		failed = failed && w.status.Passed()
	}
	if failed && e.Reason != "" && r.proven && !r.refused {
		r.held = append(r.held, r.whole(r.pipeline, Error, e.Reason))
	}
}
