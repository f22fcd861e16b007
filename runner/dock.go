package runner

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A Dock is where jobs wait for a place on an engine. The fleets of several
// runs may share one: a place that becomes free goes to the owner who holds the
// fewest, so that a long run of one does not make the others wait.
type Dock struct {
	mu      sync.Mutex
	limit   int // of jobs at once, over all engines; 0: as many as those take
	running int
	on      map[string]int // jobs, by the address of the engine
	held    map[string]int // jobs, by owner
	waiting []*waiter      // in the order they came
}

// A waiter is a job that waits.
type waiter struct {
	fleet *Fleet
	some  []*Engine // of the fleet, one of which it may have
	job   *plan.Job
	here  chan berth // has room for one
}

// A berth is what a waiter gets: a place on an engine, or why it will never
// have one.
type berth struct {
	engine *Engine
	err    error
}

// NewDock makes a dock for at most limit jobs at once; 0: for as many as the
// engines take.
func NewDock(limit int) *Dock {
	return &Dock{limit: limit, on: map[string]int{}, held: map[string]int{}}
}

// SetLimit changes how many jobs run at once. Nobody loses the place he holds.
func (d *Dock) SetLimit(limit int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limit = limit
	d.hand()
}

// take waits for a place on an engine of the fleet that suits the job.
func (d *Dock) take(ctx context.Context, f *Fleet, some []*Engine, p *plan.Job) (*Engine, error) {
	w := &waiter{f, some, p, make(chan berth, 1)}
	d.mu.Lock()
	d.waiting = append(d.waiting, w)
	d.hand()
	d.mu.Unlock()
	select {
	case b := <-w.here:
		return b.engine, b.err
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := slices.Index(d.waiting, w); i >= 0 {
		d.waiting = slices.Delete(d.waiting, i, i+1)
	} else if b := <-w.here; b.engine != nil { // it came at the same moment
		d.release(f, b.engine)
	}
	return nil, ctx.Err()
}

// give gives a place back.
func (d *Dock) give(f *Fleet, e *Engine) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.release(f, e)
}

func (d *Dock) release(f *Fleet, e *Engine) {
	e.running--
	d.count(f, e, -1)
	d.hand()
}

// count notes that one more job of the fleet's owner runs on an engine, or one
// less. d.mu is held.
func (d *Dock) count(f *Fleet, e *Engine, change int) {
	d.running += change
	if d.on[e.Engine] += change; d.on[e.Engine] == 0 {
		delete(d.on, e.Engine)
	}
	if d.held[f.Owner] += change; d.held[f.Owner] == 0 {
		delete(d.held, f.Owner)
	}
}

// hand gives free places to those that wait. d.mu is held.
func (d *Dock) hand() {
	for len(d.waiting) > 0 && (d.limit == 0 || d.running < d.limit) {
		w, b := d.next()
		if w == nil {
			return
		}
		d.waiting = slices.DeleteFunc(d.waiting, func(other *waiter) bool { return other == w })
		if b.engine != nil {
			b.engine.running++
			d.count(w.fleet, b.engine, 1)
		}
		w.here <- b
	}
}

// next is the first that need not wait any more, of those whose owners hold
// the fewest places. d.mu is held.
func (d *Dock) next() (*waiter, berth) {
	line := slices.Clone(d.waiting)
	slices.SortStableFunc(line, func(a, b *waiter) int { return cmp.Compare(d.held[a.fleet.Owner], d.held[b.fleet.Owner]) })
	for _, w := range line {
		if e, err := w.fleet.place(w.some, w.job); e != nil || err != nil {
			return w, berth{e, err}
		}
	}
	return nil, berth{}
}
