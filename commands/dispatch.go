package commands

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// A daemon takes orders out of the queue and runs them. The queue is the
// history itself: what waits there waits, whatever becomes of the daemon.
type daemon struct {
	history    *db.DB
	home       string
	log        *slog.Logger
	engine     string
	grace      time.Duration
	configFile string
	flags      settings
	limits     limits // of caches
	forwards   []string

	now       atomic.Pointer[settings]
	dock      *runner.Dock
	wake      chan struct{} // holds a token when there may be something to take
	news      chan struct{} // holds a token when there may be a status to post
	urgent    chan struct{} // closed when everything must end at once
	hasten    sync.Once
	mu        sync.Mutex
	running   map[int64]*taken
	mirrors   map[string]*gitops.Mirror
	standards map[string]standard // by URL; of keepTime alone
	asked     map[int64]bool      // pipelines whose commits were told that they wait for approval; of work alone
	works     sync.WaitGroup
}

// A taken order is under way.
type taken struct {
	repo   string
	cancel context.CancelCauseFunc
	held   atomic.Int32 // approval jobs that wait for somebody
}

func newDaemon(history *db.DB, home string, log *slog.Logger) *daemon {
	return &daemon{
		history: history, home: home, log: log, dock: runner.NewDock(0), wake: make(chan struct{}, 1), news: make(chan struct{}, 1),
		urgent: make(chan struct{}), running: map[int64]*taken{}, mirrors: map[string]*gitops.Mirror{}, standards: map[string]standard{},
	}
}

// lookTime is how often the history is asked whether another process, as
// popsicle approve, has changed something.
const lookTime = 500 * time.Millisecond

// work takes orders until ctx ends, and then lets those under way come to an
// end for the time of grace; what is left goes back into the queue.
func (d *daemon) work(ctx context.Context) {
	tick := time.NewTicker(lookTime)
	defer tick.Stop()
	go d.poll(ctx)
	go d.keepTime(ctx)
	for ctx.Err() == nil {
		if err := errors.Join(d.tellHeld(ctx), d.takeAll(ctx)); err != nil && ctx.Err() == nil {
			d.log.Error("queue not read", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-d.wake:
		case <-tick.C:
		}
	}
	d.handBackHeld(context.WithoutCancel(ctx))
	late := time.AfterFunc(d.grace, d.handBack)
	defer late.Stop()
	d.works.Wait()
}

// wakeUp makes the daemon look into the queue.
func (d *daemon) wakeUp() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// takeAll takes orders while there is room: of the repositories that have
// some, first of the one with the fewest pipelines under way.
func (d *daemon) takeAll(ctx context.Context) error {
	if d.active() >= d.mostPipelines() {
		return nil
	}
	waiting, err := d.history.Waiting(ctx)
	if err != nil {
		return err
	}
	waiting = slices.DeleteFunc(waiting, func(o db.Order) bool { return o.Hold || d.has(o.Pipeline) })
	for len(waiting) > 0 && d.active() < d.mostPipelines() {
		next := d.fairest(waiting)
		d.tellApproved(waiting[next])
		d.start(ctx, waiting[next])
		waiting = slices.Delete(waiting, next, next+1)
	}
	return nil
}

// mostPipelines is how many pipelines are under way at once: some more than
// jobs, for not all of them have one that can run.
func (d *daemon) mostPipelines() int {
	s := d.settings()
	return cmp.Or(s.Jobs, capacity()+s.elsewhere) + waiting
}

func (d *daemon) busy() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.running)
}

// has says whether an order was taken, also where the history does not know it
// yet.
func (d *daemon) has(pipeline int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.running[pipeline] != nil
}

// active is how many pipelines are under way and do not wait for somebody:
// those may wait for days, and take no place meanwhile.
func (d *daemon) active() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.running {
		if t.held.Load() == 0 {
			n++
		}
	}
	return n
}

func (d *daemon) fairest(waiting []db.Order) (best int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	held := map[string]int{}
	for _, t := range d.running {
		if t.held.Load() == 0 {
			held[t.repo]++
		}
	}
	for i, o := range waiting {
		if held[o.Repo] < held[waiting[best].Repo] {
			best = i
		}
	}
	return best
}

// start runs an order in a goroutine of its own.
func (d *daemon) start(ctx context.Context, o db.Order) {
	// It outlives ctx: the end of the daemon leaves it some time.
	run, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	t := &taken{repo: o.Repo, cancel: cancel}
	d.mu.Lock()
	d.running[o.Pipeline] = t
	d.mu.Unlock()
	d.works.Go(func() {
		defer cancel(nil)
		d.runOrder(run, o, func(change int) {
			t.held.Add(int32(change)) //nolint:gosec // 1 or -1
			d.wakeUp()
		})
		d.mu.Lock()
		delete(d.running, o.Pipeline)
		d.mu.Unlock()
		d.wakeUp()
	})
}

// runOrder runs an order to its end, and says in the log how it went.
func (d *daemon) runOrder(ctx context.Context, o db.Order, holding func(int)) {
	log := d.log.With("pipeline", o.Pipeline, "repo", o.Repo, "ref", o.Ref, "commit", o.Commit)
	repo, known := d.repo(o.Repo)
	l := d.newLaunch(repo, d.orderOf(o, repo))
	l.holding = holding
	began := time.Now()
	status, err := l.leased(func(lease *docker.Lease) (event.Status, bool, error) {
		mine, err := d.history.Claim(ctx, o.Pipeline, lease.Path)
		if err != nil || !mine {
			return "", false, err
		}
		log.Info("pipeline begins", "event", o.Event, "by", o.By)
		if !known {
			return event.Canceled, false, l.end(ctx, o, event.Canceled, "the repository is not on the list any more")
		}
		return d.fetchAndRun(ctx, l, o, repo, lease)
	})
	if status == "" && err == nil {
		return // somebody else was faster
	}
	if err == nil && status != event.Interrupted {
		err = d.history.Settle(context.WithoutCancel(ctx), o.Pipeline)
	}
	log.Info("pipeline ended", "status", status, "took", time.Since(began).Round(time.Millisecond))
	if err != nil {
		log.Error("pipeline is not fully recorded", "error", err)
	}
}

// fetchAndRun brings the commit and runs its pipeline. What keeps it from
// running becomes the end of the pipeline, with the reason.
func (d *daemon) fetchAndRun(ctx context.Context, l *launch, o db.Order, repo db.Repo, lease *docker.Lease) (event.Status, bool, error) {
	err := d.fetch(ctx, d.mirror(repo), o)
	if err == nil {
		err = l.openMirror(ctx, o)
	}
	if err == nil {
		err = l.takeOver(ctx, o)
	}
	report := d.reporter(o, repo)
	if err != nil {
		return d.refuse(ctx, l, o, report, whyNot(ctx, err))
	}
	return d.runOrAdopt(ctx, l, o, report, lease)
}

// fetchTries is how often a server is asked that does not answer well.
const fetchTries = 3

// fetch brings the commit of an order.
func (d *daemon) fetch(ctx context.Context, m *gitops.Mirror, o db.Order) (err error) {
	for try := range fetchTries {
		err = m.Fetch(ctx, o.Ref, o.Commit)
		if err == nil || errors.Is(err, gitops.ErrNoCommit) || errors.Is(err, gitops.ErrTooLarge) || ctx.Err() != nil {
			return err
		}
		d.log.Warn("fetch failed", "pipeline", o.Pipeline, "try", try+1, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second << (2 * try)):
		}
	}
	return err
}

// mirror is the mirror of a repository, one for all its pipelines.
func (d *daemon) mirror(r db.Repo) *gitops.Mirror {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.mirrors[r.URL]
	if m == nil {
		s := d.settings()
		m = &gitops.Mirror{
			Dir: filepath.Join(d.home, "mirrors", mirrorName(r)), URL: r.URL, MaxBytes: s.MaxSize,
			Login: gitops.Login{Token: gitToken, Key: s.SSHKey},
		}
		d.mirrors[r.URL] = m
	}
	return m
}

// mirrorName is the folder of a mirror: host and path of its address, without
// what a folder cannot be called.
func mirrorName(r db.Repo) string {
	_, address, _ := strings.Cut(strings.ToLower(r.URL), "://")
	if address == "" {
		address = strings.ToLower(r.URL)
	}
	var parts []string
	for part := range strings.FieldsFuncSeq(address, func(c rune) bool { return c == '/' || c == ':' || c == '@' || c == '\\' }) {
		if part = strings.TrimLeft(strings.TrimSuffix(part, ".git"), "."); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, string(filepath.Separator))
}
