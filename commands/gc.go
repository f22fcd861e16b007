package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/docker"
)

func gcCommand() *cli.Command {
	return &cli.Command{
		Name:  "gc",
		Usage: "remove what popsicle keeps and nobody needs",
		Description: `Removes what dead runs left behind; the trees that runs keep on the engines to
start faster and that no run has used for two weeks; the containers of failed
jobs that are kept for popsicle shell; and caches, workspaces and artifacts
beyond their limits. Nothing but popsicle's own is ever touched.

   popsicle gc --dry-run            what would be removed
   popsicle gc --older-than 12h     containers of jobs that failed before then
   popsicle gc --cache-size 1GB     caches and artifacts beyond that, too
   popsicle gc --all                every kept tree and container

Exit codes: 0 done, 2 wrong usage, 3 something could not be removed, as where an
engine does not answer: all the rest was.`,
		Flags: slices.Concat([]cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "remove nothing, and say what would be removed"},
			&cli.BoolFlag{Name: "all", Usage: "remove every kept tree and container: the next run of a large checkout copies it again"},
			&cli.StringFlag{Name: "older-than", Usage: "remove containers kept of jobs that failed longer than `AGE` ago", Value: "3d"},
			engineFlag(""),
		}, limitFlags()),
		Suggest:      true,
		OnUsageError: usageError,
		Action:       gcAction,
	}
}

// A collection is one time of removing. With dry it only tells.
type collection struct {
	history  *db.DB
	home     string
	out      io.Writer
	dry, all bool
	told     bool          // that something goes
	age      time.Duration // of kept containers
	limits   limits
}

func gcAction(ctx context.Context, c *cli.Command) error {
	file, err := historyFile()
	if err != nil {
		return err
	}
	g := &collection{home: filepath.Dir(file), out: stdout(c), dry: c.Bool("dry-run"), all: c.Bool("all")}
	if g.age, err = parseAge(c.String("older-than")); err != nil {
		return usage("--older-than %s is no time: say 12h or 3d", c.String("older-than"))
	}
	if g.limits, err = newLimits(c); err != nil {
		return err
	}
	if g.history, err = db.Open(ctx, file); err != nil {
		return err
	}
	defer g.history.Close()
	engines, err := engines(ctx, g.history, c.String("engine"))
	if err != nil {
		return err
	}
	return g.run(ctx, engines)
}

func (g *collection) run(ctx context.Context, all []engine) error {
	held, dead, err := docker.Leases(filepath.Join(g.home, leases))
	if err != nil {
		return err
	}
	if g.all && len(held) > 0 && !g.dry { // docker does not know that their jobs see the trees
		return usage("runs are going on: popsicle gc --all when they have ended")
	}
	var errs error
	if !g.dry {
		_, errs = g.history.CloseAbandoned(ctx, docker.LeaseHeld)
	}
	visits := each(ctx, all, g.visit)
	for _, v := range visits {
		for _, text := range v.removed {
			g.say("%s", text)
		}
		if v.err != nil {
			errs = errors.Join(errs, fmt.Errorf("%w\n  what popsicle keeps there stays until it answers, and popsicle gc is run again", v.err))
		}
	}
	if !g.dry {
		errs = errors.Join(errs, forget(dead, visits))
	}
	errs = errors.Join(errs, g.evict(ctx))
	if errs == nil && !g.told {
		fmt.Fprintln(g.out, "there is nothing to remove")
	}
	return errs
}

// visit removes from an engine what nobody needs.
func (g *collection) visit(ctx context.Context, v *errand) {
	v.err = errors.Join(g.dropKept(ctx, v), g.dropTrees(ctx, v), g.dropLeftovers(ctx, v))
}

// note remembers one thing that went, to be told.
func (v *errand) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if v.Name != localEngine {
		text += " on " + v.Name
	}
	v.removed = append(v.removed, text)
}

// say tells of one thing that goes.
func (g *collection) say(format string, args ...any) {
	g.told = true
	verb := "removed "
	if g.dry {
		verb = "would remove "
	}
	fmt.Fprintf(g.out, verb+format+"\n", args...)
}

// dropKept removes the containers of failed jobs that are kept too long.
func (g *collection) dropKept(ctx context.Context, v *errand) (errs error) {
	a, most := attic{g.history}, atticMost
	if g.all {
		most = 0
	}
	old, err := a.overdue(ctx, v.Host, most, g.age)
	for _, k := range old {
		if !g.dry {
			if err := a.drop(ctx, v.cli, k); err != nil {
				errs = errors.Join(errs, err)
				continue
			}
		}
		v.note("the container of job %s of #%d: %s", k.Job, k.Pipeline, k.Image)
	}
	return errors.Join(errs, err)
}

// dropTrees removes the trees on an engine that are old, or all.
func (g *collection) dropTrees(ctx context.Context, v *errand) (errs error) {
	m := memory{g.history}
	old := m.OldBases(v.Host)
	if g.all {
		old = m.allBases(v.Host)
	}
	for _, b := range old {
		if !g.dry {
			if err := v.cli.VolumeRemove(ctx, b.Volume); err != nil {
				errs = errors.Join(errs, err)
				continue
			}
			m.DropBase(b)
		}
		v.note("%s: %d files of %s", b.Volume, b.Files, b.Root)
	}
	return errs
}

// dropLeftovers removes what dead runs left on an engine.
func (g *collection) dropLeftovers(ctx context.Context, v *errand) error {
	work := v.cli.Reap
	if g.dry {
		work = v.cli.Leftovers
	}
	names, err := work(ctx, memory{g.history}.keeps(g.home))
	for _, name := range names {
		v.note("%s, which a dead run left behind", name)
	}
	return err
}

// evict removes caches, workspaces and artifacts beyond their limits.
func (g *collection) evict(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(g.home, "stash")); err != nil {
		return nil //nolint:nilerr // nothing was ever kept
	}
	e, err := g.limits.evict(ctx, g.history, g.dry)
	if err == nil {
		g.told = true
		fmt.Fprintln(g.out, e.describe(g.dry))
	}
	return err
}

func (m memory) allBases(engine string) []runner.Base {
	all, _ := m.Bases(context.Background(), engine)
	bases := make([]runner.Base, len(all))
	for i, b := range all {
		bases[i] = runnerBase(b)
	}
	return bases
}
