package runner

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// A Timing is how long tests took: those of one file, one class or one name.
type Timing struct {
	Kind    TimingKind
	Name    string
	Seconds float64
}

// TimingKind is what the name of a Timing names, in the words of --timings-type.
type TimingKind string

// The kinds of timings.
const (
	ByFile  TimingKind = "filename"
	ByClass TimingKind = "classname"
	ByTest  TimingKind = "testname"
)

// sendTimings gives a parallel job how long its tests took: circleci.sh splits
// them by that.
func (j *job) sendTimings(ctx context.Context) {
	if j.runner.Timings == nil || nodesOf(j.plan) == 1 {
		return
	}
	text := sync.OnceValue(func() string { return j.timings(ctx) })
	known, _ := j.runner.common().timed.LoadOrStore(j.at.JobID, text)
	if text := known.(func() string)(); text != "" {
		j.session.file("timings", text)
	}
}

// timings is asked once a job: nodes that saw different times would split the
// tests in different ways, and some would run nowhere.
func (j *job) timings(ctx context.Context) string {
	var b strings.Builder
	for _, t := range j.runner.Timings(ctx, j.at.Workflow, j.plan.Name) {
		if !strings.ContainsAny(t.Name, "\t\n") { // no line of a list of tests holds those
			fmt.Fprintf(&b, "%s\t%s\t%.6f\n", t.Kind, t.Name, t.Seconds)
		}
	}
	return b.String()
}
