package commands

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A launch is one run from end to end: a checkout, its plan, the engine and
// the history meet here. START READING HERE.
type launch struct {
	order
	now <-chan struct{} // closed when everything must end at once
	secrets

	repo      *gitops.Repo
	snapshot  *gitops.Snapshot
	sources   []source
	history   *db.DB
	plan      *plan.Pipeline
	approvals []string      // names of the approval jobs of the whole pipeline
	later     bool          // the selection is of what setup jobs will make
	forwarded *runner.Agent // of the user, for jobs; nil: none
	dock      *runner.Dock  // of all pipelines of a daemon; nil: none but this one's
	checkout  *runner.Checkout
	again     *again           // what it runs again; nil: nothing
	holding   func(change int) // hears how many approval jobs wait, more or fewer; nil: nobody asks
}

// open reads the checkout and makes the plan. Nothing has started when it
// returns, and nothing will where it returns an error.
func (l *launch) open(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return l.openCheckout(gctx) })
	g.Go(func() error { return l.openHistory(gctx) })
	if err := g.Wait(); err != nil {
		return err
	}
	whole, err := l.compile(ctx, l.nextNumber(ctx))
	if err != nil {
		return err
	}
	l.approvals = approvalsOf(whole)
	if l.plan, err = l.choose(whole); err != nil {
		return err
	}
	return runnable(l.plan)
}

func (l *launch) openCheckout(ctx context.Context) (err error) {
	if l.repo, err = gitops.Open(ctx, l.dir); err != nil {
		return err
	}
	if l.snapshot, err = l.repo.Snapshot(ctx, l.source); err != nil {
		return err
	}
	l.checkout = &runner.Checkout{Repo: l.repo, Snapshot: l.snapshot}
	l.sources, err = readConfig(ctx, l.snapshot, l.configs)
	return err
}

// openHistory opens the history for the life of the process. It is never
// closed: all was written when the recorder is closed, and the last to close
// an SQLite file would wait for the disk twice.
func (l *launch) openHistory(ctx context.Context) error {
	file, err := historyFile()
	if err != nil {
		return err
	}
	if l.history, err = db.Open(ctx, file); err != nil {
		return err
	}
	l.history.Version = version()
	return nil
}

// run runs the plan: the recorder and the sinks hear of everything, and when
// it returns nothing of the run is left on the engine.
func (l *launch) run(ctx context.Context, sinks []event.Sink) (event.Status, error) {
	if err := l.unlock(ctx); err != nil {
		return "", err
	}
	takeBack, err := l.lendAgent()
	if err != nil {
		return "", err
	}
	defer takeBack()
	return l.leased(func(lease *docker.Lease) (event.Status, bool, error) {
		id, err := l.history.NewPipeline(ctx, lease.Path)
		if err != nil {
			return "", false, err
		}
		return l.record(ctx, id, lease, sinks)
	})
}

// leased does work under a lease of its own. What it leaves on the engine, the
// next run removes.
func (l *launch) leased(work func(*docker.Lease) (status event.Status, left bool, err error)) (event.Status, error) {
	lease, err := docker.TakeLease(filepath.Join(filepath.Dir(l.history.Path()), leases))
	if err != nil {
		return "", err
	}
	end := lease.Release
	defer func() { _ = end() }() // a lease that stays is dead, and the next run removes it
	status, left, err := work(lease)
	if left {
		end = lease.Abandon
	}
	return status, err
}

// record runs the plan as the pipeline id, which waits for it in the history.
// left says that something of it is still on the engine.
func (l *launch) record(ctx context.Context, id int64, lease *docker.Lease, sinks []event.Sink) (status event.Status, left bool, err error) {
	recorder := l.history.Recorder(id)
	out := event.NewStream(append([]event.Sink{recorder}, sinks...)...)
	out.Emit(l.started(id))
	l.again.tell(out, id)

	f, err := l.fleet(ctx, l.runner(id, out, lease), out)
	if err != nil {
		return "", false, errors.Join(err, recorder.Close(context.WithoutCancel(ctx)))
	}
	status = l.drive(ctx, id, out, f)
	f.Close(ctx)
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
	defer cancel()
	defer f.Lead().LetGo()
	return status, f.Left(), errors.Join(recorder.Close(wait), out.Err())
}

// drive runs the jobs, reads the tree beside them, and removes what dead runs
// left behind.
func (l *launch) drive(ctx context.Context, id int64, out *event.Stream, f *runner.Fleet) event.Status {
	ctx, by, stop := heed(ctx, l.history, id)
	defer stop()
	at, r := event.At{Pipeline: id}, f.Lead()
	f.Muster(ctx, at)
	var beside errgroup.Group
	beside.Go(func() error {
		r.Checkout.Await(ctx)
		tree, err := r.Checkout.Tree(ctx)
		if err == nil {
			out.Emit(treeRead(at, tree))
		}
		return err
	})
	tidying, enough := context.WithCancel(ctx)
	defer enough()
	beside.Go(func() error {
		l.reap(tidying)
		l.evictAtTimes(tidying)
		for _, r := range f.Runners() {
			attic{l.history}.tidy(tidying, r.Docker, r.Engine)
		}
		return nil
	})
	o := &runner.Orchestrator{Jobs: l.reusing(f), Out: out, Parallel: l.atOnce(f), FailFast: l.failFast, EnvNames: r.EnvNames}
	rest := &continuation{launch: l, number: id, asked: r.Continuations, out: out, mask: r.Mask}
	o.Continue = rest.next
	o.Take = runner.SerialGroups{Dir: filepath.Join(r.Home, locks), Project: projectOf(l.snapshot.Head(), l.repo.Root), Out: out}.Take
	status := o.Run(ctx, id, l.plan)
	defer time.AfterFunc(tidyTime, enough).Stop()
	reason := rest.failure
	if err := beside.Wait(); err != nil && ctx.Err() == nil {
		status, reason = event.InfrastructureFail, r.Mask.String(err.Error())
	}
	var short *cutShort
	switch who := by(); {
	case status == event.Canceled && errors.As(context.Cause(ctx), &short):
		status, reason = short.status, short.reason
	case who != "" && status == event.Canceled:
		reason = "canceled by " + who
	}
	if waiting := r.Unanswered(); reason == "" && status == event.Success && len(waiting) > 0 {
		reason = l.onHold(id, waiting)
	}
	l.warnUnstable(ctx, at, out, r)
	out.Emit(event.PipelineFinished{At: at, Status: status, Reason: reason})
	return status
}

// tidyTime is how long a run whose jobs have ended waits for the removal of what
// others left behind: an engine may not answer.
const tidyTime = 2 * time.Second

// A cutShort is why a context ends before the run, and what the run is then.
type cutShort struct {
	status event.Status
	reason string
}

func (c *cutShort) Error() string { return c.reason }

// reusing leaves out what a rerun takes over.
func (l *launch) reusing(f *runner.Fleet) runner.JobRunner {
	if l.again != nil && l.again.failed {
		return l.again.reuse(f, f.Lead().Mask)
	}
	return f
}

// atOnce is how many jobs the run starts at once. A fleet of several engines
// knows by itself how many each can have, and a daemon's dock over all its runs.
func (l *launch) atOnce(f *runner.Fleet) int {
	if l.dock == nil && (f.Alone() || l.atMost > 0) {
		return l.parallel
	}
	return math.MaxInt
}

// warnUnstable says when files changed while they were read.
func (l *launch) warnUnstable(ctx context.Context, at event.At, out *event.Stream, r *runner.Runner) {
	tree, err := r.Checkout.Tree(ctx) // it was read before
	if err != nil {
		return
	}
	if files := tree.Unstable(); len(files) > 0 {
		out.Emit(treeRead(at, tree))
		out.Emit(event.Message{At: at, Level: event.Warning, Text: fmt.Sprintf(
			"%s changed while the tree was read: this run proves nothing about tree %.12s", some(files), tree.Hash)})
	}
}

// some names the first few of many.
func some(names []string) string {
	if n := len(names); n > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), n-3)
	}
	return strings.Join(names, ", ")
}

func treeRead(at event.At, t *gitops.Tree) event.TreeRead {
	return event.TreeRead{
		At: at, Tree: t.Hash, Dirty: t.Dirty, Equal: t.EqualsCommit, Unstable: len(t.Unstable()) > 0,
		Files: len(t.Files), Bytes: t.Bytes, Changed: t.Changed[:min(len(t.Changed), 100)],
	}
}

func (l *launch) runner(id int64, out *event.Stream, lease *docker.Lease) *runner.Runner {
	branch, tag := l.ref()
	r := &runner.Runner{
		Docker: docker.CLI{Bin: l.engine, Together: &docker.Together{}}, Engine: engineName(l.engine), Out: out, Mask: runner.NewMask(append(l.all(), runner.Passwords(l.plan)...)),
		Checkout: l.checkout,
		Build:    l.build(id, branch, tag),
		Env:      l.project, Contexts: l.contexts, Given: l.env, Keys: l.keys, Agent: l.forwarded,
		Pull: l.pull, Platform: l.platform, Platforms: l.platforms,
		Home: filepath.Dir(l.history.Path()), Lease: lease, Memory: memory{l.history},
		Stash: openStash(l.history), Shelf: keeper{DB: l.history, project: l.cacheOwner()}, StashLimit: l.limits.size,
		Approved: l.approved, Timings: l.timings, Now: l.now, Grace: runner.Grace,
		Machine: l.machine, Limits: l.sized, Confined: l.confined, Host: l.allowHost, Continuations: &runner.Continuations{},
	}
	if l.again != nil && l.again.resume != nil {
		r.Resume = l.again.resume.of
	}
	if l.hold {
		r.Decide = l.decide
	}
	if l.keep {
		r.Keep = attic{l.history}.put
	}
	r.Arch = localArch(r.Engine)
	return r
}

// cacheOwner is whose caches the run reads and writes: a fork's are its own, so
// that it leaves nothing for the runs of the repository to take.
func (l *launch) cacheOwner() string {
	owner := projectOf(l.snapshot.Head(), l.repo.Root)
	if l.untrusted && l.trigger != "" {
		return owner + " " + l.branch
	}
	return owner
}

func (l *launch) build(id int64, branch, tag string) runner.Build {
	b := runner.NewBuild(id, l.snapshot.Head(), branch, tag, userName())
	b.Trigger = l.triggerVars
	return b
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return os.Getenv("USER")
}

// ref is the branch or the tag that the pipeline runs on.
func (l *launch) ref() (branch, tag string) {
	if l.branch != "" || l.tag != "" {
		return l.branch, l.tag
	}
	return l.snapshot.Head().Branch, ""
}

// started describes the run as it begins.
func (l *launch) started(id int64) event.PipelineStarted {
	head := l.snapshot.Head()
	branch, tag := l.ref()
	e := event.PipelineStarted{
		At: event.At{Pipeline: id}, Repo: head.Slug, Root: l.repo.Root, Commit: head.Commit, Branch: branch, Tag: tag,
		Subject: head.Subject, Author: head.Author, Trigger: cmp.Or(l.trigger, "cli"),
		Source: [...]string{"worktree", "index", "commit"}[l.source.Kind], Asked: l.asked(), Partial: l.partial(),
	}
	if l.repoName != "" {
		e.Repo = l.repoName
	}
	if e.Repo == "" {
		e.Repo = path.Base(filepath.ToSlash(l.repo.Root))
	}
	compiled := sha256.New()
	for _, f := range l.plan.Files {
		compiled.Write([]byte(f.Config))
		e.Files = append(e.Files, event.ConfigFile{Path: f.Path, SHA256: f.SHA256})
	}
	e.Config = hex.EncodeToString(compiled.Sum(nil))
	for _, w := range l.plan.Workflows {
		e.Workflows = append(e.Workflows, w.Name)
		e.Jobs += len(w.Jobs)
	}
	return e
}
