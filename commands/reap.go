package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/popsicle-ci/popsicle/runner/docker"
)

// thereTime is how long an engine that was added may take to say that it is
// there, before the others are tidied without it.
const thereTime = 10 * time.Second

// there asks an engine that was added whether it is there.
func (e engine) there(ctx context.Context) error {
	if e.Name == localEngine {
		return nil // its own errors say more
	}
	ctx, cancel := context.WithTimeout(ctx, thereTime)
	defer cancel()
	_, _, err := e.cli.Version(ctx)
	if err == nil {
		return nil
	}
	text, _, _ := strings.Cut(err.Error(), "\n") // docker's advice is about the local engine
	return fmt.Errorf("runner %s (%s) does not answer: %s", e.Name, e.Host, text)
}

// An errand is what came of tidying one engine.
type errand struct {
	engine
	removed []string // names of containers and volumes
	err     error
}

// each does work on all engines at once; one that was added and does not
// answer does not keep the others waiting for long.
func each(ctx context.Context, all []engine, work func(context.Context, *errand)) []errand {
	visits := make([]errand, len(all))
	var doing errgroup.Group
	for i, e := range all {
		doing.Go(func() error {
			v := &visits[i]
			if v.engine = e; v.err == nil {
				v.err = e.there(ctx)
			}
			if v.err == nil {
				work(ctx, v)
			}
			return nil
		})
	}
	_ = doing.Wait() // the errors are in the visits
	return visits
}

// reap closes what dead runs left open in the history and, where a dead lease
// says that there may be something, on the engines that it names. What it
// cannot do, as on an engine that is down, the next run tries again.
func (l *launch) reap(ctx context.Context) {
	_, _ = l.history.CloseAbandoned(ctx, docker.LeaseHeld)
	home := filepath.Dir(l.history.Path())
	_, dead, _ := docker.Leases(filepath.Join(home, leases))
	if len(dead) == 0 {
		return
	}
	all, err := engines(ctx, l.history, l.engine)
	if err != nil {
		return
	}
	keep := memory{l.history}.keeps(home)
	all = slices.DeleteFunc(all, func(e engine) bool { return !slices.ContainsFunc(dead, e.concerns) })
	visits := each(ctx, all, func(ctx context.Context, v *errand) { v.removed, v.err = v.cli.Reap(ctx, keep) })
	_ = forget(dead, visits)
}

// concerns says whether a run may have left something on the engine.
func (e engine) concerns(lease string) bool {
	hosts, known := docker.LeaseEngines(lease)
	return !known || slices.Contains(hosts, e.Host)
}

// forget removes the leases of dead runs of which nothing is left: all engines
// were visited on which they may have made something. What was on one that is
// not known any more, nobody can remove.
func forget(dead []string, visits []errand) error {
	var errs []error
	for _, lease := range dead {
		if !slices.ContainsFunc(visits, func(v errand) bool { return v.err != nil && v.concerns(lease) }) {
			errs = append(errs, os.Remove(lease))
		}
	}
	return errors.Join(errs...)
}
