package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// The labels on everything popsicle makes on an engine. What carries LabelRun
// is ours; what carries a lease goes when the process that holds it is dead.
const (
	LabelRun     = "popsicle.run"     // which run: "12"
	LabelJob     = "popsicle.job"     // which job: its name
	LabelLease   = "popsicle.lease"   // the lease's file, see Lease
	LabelHost    = "popsicle.host"    // the host the lease's file is on
	LabelPID     = "popsicle.pid"     // for the reader of docker inspect
	LabelStarted = "popsicle.started" // RFC 3339
	LabelBase    = "popsicle.base"    // a tree kept from run to run, which has no lease
	LabelKept    = "popsicle.kept"    // what may be kept of a job that fails, though its run is over: the home that it belongs to
)

// A Lease says that a process is alive: a file that it holds locked, which
// the kernel unlocks whatever way the process ends. What a run makes names
// its lease, so that any later popsicle of this host can tell what is left of
// dead runs, with no process ids to be reused and no clocks to compare.
type Lease struct {
	Path string
	lock *flock.Flock
}

// TakeLease makes a new lease in dir. It is locked before it has its name, so
// that nobody ever sees it without its holder.
func TakeLease(dir string) (*Lease, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "new-*")
	if err != nil {
		return nil, fmt.Errorf("lease: %w", err)
	}
	_ = f.Close() // empty: the lock is all there is to it
	lock := flock.New(f.Name(), flock.SetPermissions(0o600))
	if ok, err := lock.TryLock(); err != nil || !ok {
		return nil, fmt.Errorf("lease %s: not lockable: %w", f.Name(), errors.Join(err, os.Remove(f.Name())))
	}
	name := filepath.Join(dir, "run"+strings.TrimPrefix(filepath.Base(f.Name()), "new")+leaseSuffix)
	if err := os.Rename(f.Name(), name); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return &Lease{Path: name, lock: lock}, nil
}

const leaseSuffix = ".lease"

// Note writes into the lease on which engines its holder may make something, so
// that nobody need look for it on others.
func (l *Lease) Note(engines ...string) error {
	return os.WriteFile(l.Path, []byte(strings.Join(engines, "\n")), 0o600)
}

// LeaseEngines are the engines that the holder of a lease noted; known is false
// where it did not come so far, or the lease is gone.
func LeaseEngines(path string) (engines []string, known bool) {
	text, err := os.ReadFile(path)
	if err != nil || len(text) == 0 {
		return nil, false
	}
	return strings.Split(string(text), "\n"), true
}

// Release ends the lease; what still names it is free to be reaped.
func (l *Lease) Release() error {
	return errors.Join(os.Remove(l.Path), l.lock.Unlock())
}

// Labels returns the labels of everything a run makes.
func (l *Lease) Labels(run string) map[string]string {
	host, _ := os.Hostname() // without a name, the objects of a dead run stay: the safe side
	return map[string]string{
		LabelRun:     run,
		LabelLease:   l.Path,
		LabelHost:    host,
		LabelPID:     strconv.Itoa(os.Getpid()),
		LabelStarted: time.Now().UTC().Format(time.RFC3339),
	}
}

// Abandon ends the lease but leaves its file: what names it is still there, and
// the next run reaps it.
func (l *Lease) Abandon() error { return l.lock.Unlock() }

// LeaseHeld says whether the process that took the lease may still be alive:
// when in doubt it is.
func LeaseHeld(path string) bool {
	if !filepath.IsAbs(path) {
		return true // not a path of ours
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return false
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDWR))
	ok, err := lock.TryLock()
	return err != nil || !ok || lock.Unlock() != nil
}

// Leases lists the leases in dir: those that are held, and those that nobody
// holds, whose takers died and may have left something behind.
func Leases(dir string) (held, dead []string, err error) {
	all, err := filepath.Glob(filepath.Join(dir, "*"+leaseSuffix))
	for _, lease := range all {
		if LeaseHeld(lease) {
			held = append(held, lease)
		} else {
			dead = append(dead, lease)
		}
	}
	return held, dead, err
}

// Reap removes the containers and volumes of runs that are dead: those that
// name a lease of this host which nobody holds. What keep says so
// of stays, by its name and the home it belongs to, if it names one. It
// returns the names of what it removed.
func (c CLI) Reap(ctx context.Context, keep func(name, home string) bool) ([]string, error) {
	containers, err := c.dead(ctx, "container", keep)
	if err == nil {
		err = c.Remove(ctx, containers...)
	}
	if err != nil {
		return nil, err
	}
	volumes, err := c.dead(ctx, "volume", keep)
	if err == nil {
		err = c.VolumeRemove(ctx, volumes...)
	}
	return append(containers, volumes...), err
}

// Leftovers names what Reap would remove.
func (c CLI) Leftovers(ctx context.Context, keep func(name, home string) bool) ([]string, error) {
	containers, err := c.dead(ctx, "container", keep)
	if err != nil {
		return nil, err
	}
	volumes, err := c.dead(ctx, "volume", keep)
	return append(containers, volumes...), err
}

func (c CLI) dead(ctx context.Context, kind string, keep func(name, home string) bool) ([]string, error) {
	here, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	found, err := c.Labelled(ctx, kind, LabelLease, LabelHost, LabelLease, LabelBase, LabelKept)
	if err != nil {
		return nil, err
	}
	var names []string
	for name, labels := range found {
		host, lease, home := labels[0], labels[1], cmp.Or(labels[2], labels[3])
		if host == here && !LeaseHeld(lease) && !keep(name, home) {
			names = append(names, name)
		}
	}
	return names, nil
}
