package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A Fleet runs the jobs of one run on several engines. A job waits until an
// engine that suits it has a place; where that engine dies, the job is tried
// once more, on another.
type Fleet struct {
	Dock  *Dock  // where its jobs wait, with those of other runs where they share it
	Owner string // of the run, among those that share the dock

	out     *event.Stream
	engines []*Engine
	beside  sync.WaitGroup
}

// An Engine is where a Runner of the fleet runs its jobs.
type Engine struct {
	*Runner
	Labels []string // what jobs ask for with their resource_class
	Places int      // jobs at once; 0: by the engine's CPUs
	Asked  bool     // it is known to answer: nobody need ask it first

	state   engineState     // as running, under the dock's mu
	running int             // jobs of this run
	gone    context.Context // ends when the engine does not answer any more
	lose    context.CancelFunc
}

// engineState says whether jobs can be given to an engine.
type engineState int

const (
	engineAsked engineState = iota // it has not answered yet
	engineUp
	engineDown // for the rest of the run
)

// NewFleet makes a fleet of engines, whose Runners are those of one run.
// Where several suit a job equally well it gets the first. One that is alone is
// never asked: its jobs find out.
func NewFleet(out *event.Stream, engines ...*Engine) *Fleet {
	f := &Fleet{out: out, engines: engines, Dock: NewDock(0)}
	for _, e := range engines {
		e.gone, e.lose = context.WithCancel(context.Background())
		if e.Asked || f.Alone() {
			e.state = engineUp
		}
	}
	return f
}

// Lead is the first of the fleet's Runners: it answers for the whole run.
func (f *Fleet) Lead() *Runner { return f.engines[0].Runner }

// Alone says whether the fleet is of one engine.
func (f *Fleet) Alone() bool { return len(f.engines) == 1 }

// Runners are those of all engines.
func (f *Fleet) Runners() []*Runner {
	all := make([]*Runner, len(f.engines))
	for i, e := range f.engines {
		all[i] = e.Runner
	}
	return all
}

// Plan tells of workflows before their first job is run.
func (f *Fleet) Plan(workflows []*plan.Workflow) { f.Lead().Plan(workflows) }

// Muster asks the engines whether they are there, and watches those that jobs
// run on, until ctx ends. It does not wait for them.
func (f *Fleet) Muster(ctx context.Context, at event.At) {
	if f.Alone() {
		return
	}
	for _, e := range f.engines {
		f.beside.Go(func() {
			if e.Asked || f.greet(ctx, at, e) {
				f.watch(ctx, at, e)
			}
		})
	}
}

// RunJob runs a job on the engine that suits it best.
func (f *Fleet) RunJob(ctx context.Context, at event.At, p *plan.Job) Outcome {
	if places(p) == 0 {
		return f.Lead().RunJob(ctx, at, p)
	}
	var o Outcome
	for attempt := 1; ; attempt++ {
		e, err := f.Dock.take(ctx, f, f.holders(at.Workflow, p.Name, at.Node), p)
		switch {
		case ctx.Err() != nil:
			return Outcome{Status: event.Canceled}
		case err != nil && attempt > 1:
			return o // there is no other: that engine's death is why
		case err != nil:
			return Outcome{Status: event.InfrastructureFail, Reason: err.Error()}
		}
		o = f.ride(ctx, e, at, p)
		if f.Alone() || ctx.Err() != nil || !f.died(ctx, at, e, o) {
			return o
		}
		if o.Status == event.Canceled { // nobody canceled it: its engine was given up
			o.Status, o.Reason = event.InfrastructureFail, fmt.Sprintf("engine %s does not answer any more", e.Name)
		}
		if attempt == attempts {
			return o
		}
		at.Step = o.Steps
	}
}

// attempts is how often a job is begun whose engines die under it.
const attempts = 2

// ride runs a job on an engine, as long as that answers.
func (f *Fleet) ride(ctx context.Context, e *Engine, at event.At, p *plan.Job) Outcome {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.gone, cancel)()
	defer f.Dock.give(f, e)
	return e.RunJob(ctx, at, p)
}

// died says whether a job ended as it did because its engine died, and tells
// the user so.
func (f *Fleet) died(ctx context.Context, at event.At, e *Engine, o Outcome) bool {
	if e.gone.Err() == nil {
		if o.Status != event.InfrastructureFail || e.answers(ctx) == nil {
			return false
		}
		f.drop(at, e)
	}
	f.tell(at, "engine %s died under job %s", e.Name, at.Job)
	return o.Status == event.InfrastructureFail || o.Status == event.Canceled
}

// answerTime is how long an engine may take to say that it is there.
const answerTime = 20 * time.Second

// answers asks an engine whether it is there.
func (e *Engine) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	_, _, err := e.Docker.Version(ctx)
	return err
}

// greet asks an engine what it is, and opens it for jobs.
func (f *Fleet) greet(ctx context.Context, at event.At, e *Engine) bool {
	asking, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	info, err := e.Docker.Info(asking)
	if ctx.Err() != nil {
		return false
	}
	if err != nil {
		f.tell(at, "runner %s (%s) does not answer, the run does without it: popsicle runners check %s: %v", e.Name, e.Engine, e.Name, err)
	}
	f.Dock.mu.Lock()
	defer f.Dock.mu.Unlock()
	defer f.Dock.hand()
	if err != nil {
		e.state = engineDown
	} else {
		e.state, e.Arch = engineUp, info.Arch
		if e.Places == 0 {
			e.Places = max(1, info.CPUs)
		}
	}
	return err == nil
}

// watchEvery is how often an engine with jobs on it is asked whether it is
// still there: a network that is gone is not heard of otherwise.
const watchEvery = 30 * time.Second

// watch drops an engine that misses two questions in a row.
func (f *Fleet) watch(ctx context.Context, at event.At, e *Engine) {
	ticks := time.NewTicker(watchEvery)
	defer ticks.Stop()
	for missed := 0; missed < 2; {
		select {
		case <-ctx.Done():
			return
		case <-e.gone.Done():
			return
		case <-ticks.C:
		}
		if err := e.answers(ctx); err == nil || !f.busy(e) {
			missed = 0
		} else {
			missed++
		}
	}
	f.drop(at, e)
}

func (f *Fleet) busy(e *Engine) bool {
	f.Dock.mu.Lock()
	defer f.Dock.mu.Unlock()
	return e.running > 0
}

// drop gives up an engine for the rest of the run, and cancels what it runs.
func (f *Fleet) drop(at event.At, e *Engine) {
	f.Dock.mu.Lock()
	first := e.state != engineDown
	e.state = engineDown
	f.Dock.hand()
	f.Dock.mu.Unlock()
	e.lose()
	if first {
		f.tell(event.At{Pipeline: at.Pipeline}, "engine %s (%s) does not answer any more: the rest of the run does without it", e.Name, e.Engine)
	}
}

func (f *Fleet) tell(at event.At, format string, args ...any) {
	at.Step = 0
	text := f.Lead().Mask.String(fmt.Sprintf(format, args...))
	f.out.Emit(event.Message{At: at, Level: event.Warning, Text: text})
}

// Close waits until nothing of the run is left on any engine that answers.
func (f *Fleet) Close(ctx context.Context) {
	var closing sync.WaitGroup
	for _, e := range f.engines {
		closing.Go(func() { e.Close(ctx) })
	}
	closing.Wait()
	for _, e := range f.engines {
		e.lose()
	}
	f.beside.Wait()
}

// Left says whether something of the run is still on an engine.
func (f *Fleet) Left() bool {
	for _, e := range f.engines {
		if e.Left() {
			return true
		}
	}
	return false
}

// errNowhere is why a job cannot run: all engines that would do are gone.
var errNowhere = errors.New("no engine answers any more")
