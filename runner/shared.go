package runner

import (
	"context"
	"slices"
	"sync"

	"github.com/popsicle-ci/popsicle/runner/docker"
)

// shared is what the Runners of one run have in common, each on an engine of
// its own.
type shared struct {
	workflows sync.Map // jobs, by the name of their workflow
	timed     sync.Map // what sendTimings sends, by JobID
	told      sync.Map // warnings that are said once a run, by text

	mu      sync.Mutex
	waiting []string // approval jobs that nobody answered

	holding sync.Once // of the stash
	letGo   func()    // nil: it was not held
}

func (r *Runner) common() *shared {
	r.sharing.Do(func() {
		if r.shared == nil {
			r.shared = &shared{}
		}
	})
	return r.shared
}

// unanswered notes that nobody was there to decide about an approval job.
func (s *shared) unanswered(job string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.waiting, job) {
		s.waiting = append(s.waiting, job)
	}
}

// Unanswered names the approval jobs of the run that wait for an answer, which
// nobody was there to give.
func (r *Runner) Unanswered() []string {
	s := r.common()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.waiting)
}

// On returns a Runner of the same run for another engine, which the user calls
// name. What is known of one engine, such as its images, the other finds out
// by itself.
func (r *Runner) On(cli docker.CLI, engine, name, arch string) *Runner {
	return &Runner{
		Docker: cli, Engine: engine, Name: name, Arch: arch,
		Out: r.Out, Mask: r.Mask, Checkout: r.Checkout, Build: r.Build,
		Env: r.Env, Contexts: r.Contexts, Given: r.Given, Keys: r.Keys,
		Pull: r.Pull, Platform: r.Platform, Platforms: r.Platforms,
		Home: r.Home, Lease: r.Lease, Memory: r.Memory, Approved: r.Approved, Decide: r.Decide, Confined: r.Confined, Host: r.Host,
		Machine: r.Machine, Limits: r.Limits, Continuations: r.Continuations,
		Stash: r.Stash, Shelf: r.Shelf, StashLimit: r.StashLimit,
		Timings: r.Timings, Keep: r.Keep, Resume: r.Resume, Now: r.Now, Grace: r.Grace, Patience: r.Patience,
		shared: r.common(),
	}
}

// holdStash keeps the stash from being swept until the run is recorded.
func (r *Runner) holdStash(ctx context.Context) (err error) {
	s := r.common()
	s.holding.Do(func() { s.letGo, err = r.Stash.Hold(ctx) })
	return err
}

// LetGo lets the stash be swept again: call it when what the run has kept is
// written down.
func (r *Runner) LetGo() {
	if s := r.common(); s.letGo != nil {
		s.letGo()
	}
}
