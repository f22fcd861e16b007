package ghstatus

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// StateOf translates the end of a job or a workflow. What did not run because
// it was not needed does not block a merge for ever.
func StateOf(s event.Status) State {
	switch s {
	case event.Success, event.Skipped, event.NotRun:
		return Success
	case event.Failed:
		return Failure
	case event.Queued, event.Running, event.OnHold:
		return Pending
	}
	return Error
}

// verdict tells in a few words how a job ended.
func (j *job) verdict() (State, string) {
	state := StateOf(j.status)
	switch j.status {
	case event.Success:
		return state, "passed"
	case event.NotRun:
		return state, "not run"
	case event.Failed, event.TimedOut:
		return state, fmt.Sprintf("failed at %q%s", j.step, j.exit)
	case event.InfrastructureFail:
		return state, "popsicle could not run it"
	}
	return state, string(j.status)
}

// verdict tells how a workflow ended: what failed first, and how much of it.
func (w *workflow) verdict(status event.Status) (state State, text, arch string) {
	counts := map[event.Status]int{}
	var first *job
	for _, id := range slices.Sorted(maps.Keys(w.jobs)) {
		j := w.jobs[id]
		counts[j.status]++
		arch = cmp.Or(arch, j.arch)
		if first == nil && !j.status.Passed() && j.status != event.Canceled {
			first = j
		}
	}
	switch {
	case status == event.Success && counts[event.Success] == len(w.jobs):
		text = jobs(len(w.jobs)) + " passed"
	case status == event.Success:
		text = fmt.Sprintf("%d of %s passed", counts[event.Success], jobs(len(w.jobs)))
	case first == nil:
		text = string(status)
	default:
		_, how := first.verdict()
		text = first.name + " " + how
		if failed := counts[event.Failed] + counts[event.TimedOut]; failed > 1 {
			text += fmt.Sprintf(", %d of %s failed", failed, jobs(len(w.jobs)))
		}
	}
	return StateOf(status), text, arch
}

// pending tells what a workflow that has begun waits for.
func (w *workflow) pending() string {
	left := 0
	for _, id := range slices.Sorted(maps.Keys(w.jobs)) {
		if j := w.jobs[id]; j.waits {
			return "waiting for approval: " + j.name
		} else if j.status == "" {
			left++
		}
	}
	return jobs(left) + " to run"
}

// pending tells what a job that has not ended waits for.
func (j *job) pending() string {
	if j.waits {
		return "waiting for approval"
	}
	return "queued"
}

// jobs counts jobs in words.
func jobs(n int) string {
	if n == 1 {
		return "1 job"
	}
	return fmt.Sprintf("%d jobs", n)
}
