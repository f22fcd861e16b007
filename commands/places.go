package commands

import (
	"context"
	"sync"

	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// places are the containers that may run at once over all pipelines of a
// daemon. A place that becomes free goes to the repository that holds the
// fewest, so that a long pipeline of one does not make the others wait.
type places struct {
	mu      sync.Mutex
	free    int
	held    map[string]int // by repository
	waiting []*waiter      // in the order they came
}

// A waiter waits for a place.
type waiter struct {
	repo string
	here chan struct{} // closed when the place is its own
}

func newPlaces(n int) *places { return &places{free: n, held: map[string]int{}} }

// take waits for a place for a job of repo.
func (p *places) take(ctx context.Context, repo string) error {
	w := &waiter{repo, make(chan struct{})}
	p.mu.Lock()
	p.waiting = append(p.waiting, w)
	p.hand()
	p.mu.Unlock()
	select {
	case <-w.here:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.waiting {
		if other == w {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			return ctx.Err()
		}
	}
	p.release(repo) // it came at the same moment
	return ctx.Err()
}

// give gives a place back.
func (p *places) give(repo string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release(repo)
}

// resize changes how many places there are. Nobody loses the one he holds.
func (p *places) resize(change int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free += change
	p.hand()
}

func (p *places) release(repo string) {
	p.free++
	if p.held[repo]--; p.held[repo] == 0 {
		delete(p.held, repo)
	}
	p.hand()
}

// hand gives free places to those that wait.
func (p *places) hand() {
	for p.free > 0 && len(p.waiting) > 0 {
		next := 0
		for i, w := range p.waiting {
			if p.held[w.repo] < p.held[p.waiting[next].repo] {
				next = i
			}
		}
		w := p.waiting[next]
		p.waiting = append(p.waiting[:next], p.waiting[next+1:]...)
		p.free--
		p.held[w.repo]++
		close(w.here)
	}
}

// placedJobs runs jobs that need a container only once they have a place.
type placedJobs struct {
	*runner.Runner // not the interface: it must hear of the plan too
	places         *places
	repo           string
}

// RunJob waits for a place, and runs the job.
func (p *placedJobs) RunJob(ctx context.Context, at event.At, job *plan.Job) runner.Outcome {
	switch job.Kind {
	case plan.Approval, plan.NoOp, plan.Lock, plan.Unlock:
		return p.Runner.RunJob(ctx, at, job)
	}
	if err := p.places.take(ctx, p.repo); err != nil {
		return runner.Outcome{Status: event.Canceled}
	}
	defer p.places.give(p.repo)
	return p.Runner.RunJob(ctx, at, job)
}
