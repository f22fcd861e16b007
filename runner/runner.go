// Package runner runs a plan: an Orchestrator starts each job once what it
// requires has ended, and a Runner runs a job in one live container, which
// takes the job's steps over its standard input.
package runner

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/popsicle-ci/popsicle/runner/stash"
)

// A Runner runs the jobs of one pipeline in containers, step by step.
type Runner struct {
	Docker    docker.CLI
	Engine    string // names the engine in the history: "unix:///var/run/docker.sock"
	Name      string // what the user calls the engine, where a run has several
	Arch      string // of the engine, where that is known: "arm64"
	Out       *event.Stream
	Mask      *Mask
	Checkout  *Checkout
	Build     Build
	Env       []plan.Var            // the project's variables, which may be secret
	Contexts  map[string][]plan.Var // the variables of contexts, by the context's name
	Given     []plan.Var            // given for this run, before Env and Contexts
	Keys      []SSHKey              // for add_ssh_keys
	Agent     *Agent                // likewise; nil: none
	Pull      Pull
	Platform  string            // for images that name none; empty: the engine's own
	Platforms map[string]string // by image, before Platform
	Home      string            // popsicle's folder, which names whose the bases are
	Lease     *docker.Lease
	Memory    Memory
	Machine   string                // image of machine jobs; empty: DefaultMachine
	Limits    bool                  // hold jobs to the sizes of their resource classes
	Host      bool                  // machine jobs run on this host, without a container
	Confined  bool                  // run no job that gets power over the engine's host
	Approved  func(job string) bool // nil: no approval job is approved ahead
	// Decide waits until somebody approves or rejects a job, or ctx ends; nil:
	// nobody will.
	Decide func(ctx context.Context, at event.At) (Decision, error)
	// Continuations are what jobs of setup configs ask for.
	Continuations *Continuations

	Stash      *stash.Store
	Shelf      Shelf
	StashLimit int64 // bytes that one cache or layer may have; 0: no limit

	// Timings are how long the tests of a job took when last they ran, for
	// `circleci tests split --split-by=timings`; nil: nobody knows.
	Timings func(ctx context.Context, workflow, job string) []Timing

	// Keep remembers the container of a job that failed, which has stopped; nil:
	// none is kept.
	Keep func(Kept) error

	// Resume says where a job goes on that failed in an earlier pipeline; nil: no
	// job does.
	Resume func(workflow, job string, node int) *Resume

	// Now is closed when steps must not be given any time to end.
	Now <-chan struct{}
	// Grace is how long a canceled step may go on when it traps the signal.
	Grace time.Duration
	// Patience is how long an engine may take to start a container before the
	// user hears of it; 0: half a minute.
	Patience time.Duration

	pulls   pulls
	bases   bases
	closing sync.WaitGroup // containers and volumes on their way out
	left    atomic.Bool    // some of them could not be removed
	kept    atomic.Int32   // containers that are kept, or would have been

	sharing sync.Once
	shared  *shared // with the run's Runners on other engines

	sizing sync.Mutex
	info   docker.Info // of the engine, once it was asked

	labelling sync.Once
	run       map[string]string // labels of the run
}

// Memory is what runs remember for later ones, so that these start faster. It
// never answers with an error: what is forgotten is found out again.
type Memory interface {
	Facts(image, user string) (Facts, bool)
	PutFacts(image, user string, f Facts)
	// Base is the newest tree of the checkout on the engine for a user.
	Base(engine, root string, uid int) (Base, bool)
	PutBase(b Base)
	UseBase(b Base)
	DropBase(b Base)
	// OldBases lists bases that nobody needs any more.
	OldBases(engine string) []Base
	// Small says that the checkout was small when last it was read.
	Small(root string) bool
}

// Facts is what is known of an image's user.
type Facts struct {
	UID, GID int
	Home     string
}

// labels are on everything the run makes; job may be empty.
func (r *Runner) labels(job string) map[string]string {
	r.labelling.Do(func() {
		if r.run = r.Lease.Labels(r.Build.run()); r.Keep != nil {
			r.run[docker.LabelKept] = r.Home
		}
	})
	labels := maps.Clone(r.run)
	if job != "" {
		labels[docker.LabelJob] = job
	}
	return labels
}

// Close waits until nothing of the run is left on the engine. What cannot be
// removed is left to the next run's Reap. The end of ctx gives up what is only
// made for later runs.
func (r *Runner) Close(ctx context.Context) {
	defer context.AfterFunc(ctx, r.bases.giveUp)()
	r.closing.Wait()
}

// leave notes that something could not be removed.
func (r *Runner) leave(err error) {
	if err != nil {
		r.left.Store(true)
	}
}

// Left says whether something of the run is still on the engine.
func (r *Runner) Left() bool { return r.left.Load() }

// Grace is how long a canceled step may go on by default.
const Grace = 10 * time.Second

// cleanupTime is how long the removal of what a run made may take.
const cleanupTime = 30 * time.Second

// cleanup returns a context for removing things, which no cancel reaches.
func cleanup() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), cleanupTime)
}

// once says a warning the first time it is given.
func (r *Runner) once(at event.At, text string) {
	if _, said := r.common().told.LoadOrStore(text, true); !said {
		r.Out.Emit(event.Message{At: at, Level: event.Warning, Text: r.Mask.String(text)})
	}
}
