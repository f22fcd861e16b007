package runner

import (
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// takesTurn says whether a job starts only once its serial group is free.
func takesTurn(j *plan.Job) bool { return j.SerialGroup != "" && j.Kind != plan.Unlock }

// wait takes the turn of a job in its serial group, and queues it then. A wait
// takes no place: jobs of other groups go on.
func (g *progress) wait(w *workflow, job int) {
	at, group := g.at(ready{w, job, 0}), w.plan.Jobs[job].SerialGroup
	g.running++
	go func() {
		giveBack, err := g.Take(g.ctx, at, group)
		g.news <- func() {
			g.running--
			switch {
			case err == nil:
				w.turns[job] = giveBack
				g.ready(w, job)
			case g.ctx.Err() == nil:
				g.drop(w, job, Outcome{Status: event.InfrastructureFail, Reason: err.Error()})
			}
		}
	}()
}

// giveBack ends the turns that last until a job has ended: its own, or, where
// it is the end of a job group, the group's.
func (w *workflow) giveBack(job int) {
	ended := w.plan.Jobs[job]
	for i, giveBack := range w.turns {
		holder := w.plan.Jobs[i]
		own := i == job && holder.Kind != plan.Lock
		if own || ended.Kind == plan.Unlock && holder.Kind == plan.Lock && holder.SerialGroup == ended.SerialGroup {
			giveBack()
			delete(w.turns, i)
		}
	}
}

// giveAllBack ends the turns of a workflow that has ended.
func (w *workflow) giveAllBack() {
	for i, giveBack := range w.turns {
		giveBack()
		delete(w.turns, i)
	}
}
