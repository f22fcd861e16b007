package runner

import (
	"fmt"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// An attempt is one run of a job. A rerun has a place in the pipeline and a
// name of its own, after all jobs before it: what happened to the first stays
// as it was.
type attempt struct {
	id      int    // JobID
	name    string // "test (rerun 1)"
	rerunOf int    // JobID of the attempt before; 0: this is the first
}

// called is the name of the newest attempt of a job.
func (w *workflow) called(name string) string {
	for i, j := range w.plan.Jobs {
		if w.reruns > 0 && j.Name == name {
			return w.attempts[i].name
		}
	}
	return name
}

// rerun runs a workflow that failed once more from what failed, where it is to
// be. The workflow ends as its last run does.
// https://circleci.com/docs/guides/orchestrate/automatic-reruns/
func (g *progress) rerun(w *workflow) bool {
	if g.ctx.Err() != nil || w.reruns >= w.plan.MaxAutoReruns || required(w.status) != string(event.Failed) {
		return false
	}
	w.reruns++
	again, failed := w.toRerun()
	g.Out.Emit(event.Message{
		At: event.At{Pipeline: g.pipeline, Workflow: w.plan.Name}, Level: event.Warning,
		Text: fmt.Sprintf("%s %s: rerun %d of %d from %s", w.plan.Name, w.status, w.reruns, w.plan.MaxAutoReruns, strings.Join(failed, ", ")),
	})
	gone := w.restart(again)
	for i, j := range w.plan.Jobs {
		if again[i] {
			g.jobs++
			w.attempts[i] = attempt{id: g.jobs, name: fmt.Sprintf("%s (rerun %d)", j.Name, w.reruns), rerunOf: w.attempts[i].id}
		}
	}
	for i := range w.plan.Jobs {
		if again[i] {
			g.announce(w, i)
		}
	}
	for _, h := range gone {
		g.drop(w, h.job, Outcome{Status: event.NotRun, Reason: h.reason})
	}
	g.offer(w)
	return true
}

// toRerun picks the jobs that failed, with all that depends on them, and names
// the first. A job group that is to give back its lock takes it again.
func (w *workflow) toRerun() (again []bool, failed []string) {
	again = make([]bool, len(w.plan.Jobs))
	var pick func(int)
	pick = func(i int) {
		if again[i] {
			return
		}
		again[i] = true
		for _, e := range w.graph.nodes[i].children {
			pick(e.to)
		}
	}
	for i, s := range w.ends {
		if required(s) == string(event.Failed) {
			failed = append(failed, w.plan.Jobs[i].Name)
			pick(i)
		}
	}
	for i, unlock := range w.plan.Jobs {
		for k, lock := range w.plan.Jobs {
			if again[i] && unlock.Kind == plan.Unlock && lock.Kind == plan.Lock && lock.SerialGroup == unlock.SerialGroup {
				again[k] = true
			}
		}
	}
	return again, failed
}

// restart makes the workflow one in which the jobs that are not to run again
// have ended, and returns those of the others that can never start.
func (w *workflow) restart(again []bool) (gone []hopeless) {
	ends := w.ends
	w.begin()
	w.left = 0
	for i := range again {
		w.graph.nodes[i].started = !again[i]
		if again[i] {
			w.left++
		} else {
			w.nodes[i], w.ends[i] = nodes{}, ends[i]
			w.status = event.Worse(w.status, ends[i])
		}
	}
	for i := range again {
		if !again[i] {
			gone = append(gone, w.graph.finish(i, w.attempts[i].name, ends[i])...)
		}
	}
	return gone
}
