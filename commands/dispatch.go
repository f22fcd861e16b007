package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	works     sync.WaitGroup
}

// A taken order is under way.
type taken struct {
	repo   string
	cancel context.CancelCauseFunc
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
		if err := d.takeAll(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("queue not read", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-d.wake:
		case <-tick.C:
		}
	}
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
	if d.busy() >= d.mostPipelines() {
		return nil
	}
	waiting, err := d.history.Waiting(ctx)
	if err != nil {
		return err
	}
	waiting = slices.DeleteFunc(waiting, func(o db.Order) bool { return o.Hold })
	for len(waiting) > 0 && d.busy() < d.mostPipelines() {
		next := d.fairest(waiting)
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

func (d *daemon) fairest(waiting []db.Order) (best int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	held := map[string]int{}
	for _, t := range d.running {
		held[t.repo]++
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
	d.mu.Lock()
	d.running[o.Pipeline] = &taken{o.Repo, cancel}
	d.mu.Unlock()
	d.works.Go(func() {
		defer cancel(nil)
		d.runOrder(run, o)
		d.mu.Lock()
		delete(d.running, o.Pipeline)
		d.mu.Unlock()
		d.wakeUp()
	})
}

// runOrder runs an order to its end, and says in the log how it went.
func (d *daemon) runOrder(ctx context.Context, o db.Order) {
	log := d.log.With("pipeline", o.Pipeline, "repo", o.Repo, "ref", o.Ref, "commit", o.Commit)
	repo, known := d.repo(o.Repo)
	l := d.newLaunch(repo, d.orderOf(o, repo))
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

// handBack ends what runs and puts it back into the queue.
func (d *daemon) handBack() {
	d.end(nil, &cutShort{event.Interrupted, db.HandedBack})
}

// hurry lets nothing take any more time.
func (d *daemon) hurry() { d.hasten.Do(func() { close(d.urgent) }) }

func (d *daemon) cancelRunning(ids []int64, reason string) {
	d.end(ids, &cutShort{event.Canceled, reason})
}

// end ends pipelines under way, all where ids is nil, and says how many there
// were.
func (d *daemon) end(ids []int64, why *cutShort) (ended int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, t := range d.running {
		if ids == nil || slices.Contains(ids, id) {
			t.cancel(why)
			ended++
		}
	}
	return ended
}

// cancel ends a pipeline that waits or runs.
func (d *daemon) cancel(ctx context.Context, pipeline int64, by string) error {
	reason := "canceled by " + by
	err := d.history.CancelWaiting(ctx, pipeline, reason)
	if errors.Is(err, db.ErrNotWaiting) {
		if d.end([]int64{pipeline}, &cutShort{event.Canceled, reason}) > 0 {
			return nil
		}
		return d.history.RequestCancel(ctx, pipeline, by) // a popsicle run, perhaps
	}
	return err
}

func (d *daemon) approve(ctx context.Context, pipeline int64, by string) error {
	if err := d.history.Approve(ctx, pipeline, by); err != nil {
		return fmt.Errorf("approve: %w", err)
	}
	d.wakeUp()
	return nil
}
