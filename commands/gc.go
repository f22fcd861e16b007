package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/docker"
)

func gcCommand() *cli.Command {
	return &cli.Command{
		Name:  "gc",
		Usage: "remove what popsicle keeps on its engines",
		Description: `Removes what dead runs left behind, and the trees that runs keep on the engines
to start faster and that no run has used for two weeks. Nothing but popsicle's
own is ever touched.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Usage: "remove every kept tree: the next run of a large checkout copies it again"},
			&cli.StringFlag{Name: "engine", Usage: "the docker client to use, a `PROGRAM`", Value: "docker", Sources: cli.EnvVars("POPSICLE_ENGINE")},
		},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       gcAction,
	}
}

func gcAction(ctx context.Context, c *cli.Command) error {
	file, err := historyFile()
	if err != nil {
		return err
	}
	history, err := db.Open(ctx, file)
	if err != nil {
		return err
	}
	defer history.Close()
	held, dead, err := docker.Leases(filepath.Join(filepath.Dir(file), leases))
	if err != nil {
		return err
	}
	if c.Bool("all") && len(held) > 0 { // docker does not know that their jobs see the trees
		return usage("runs are going on: popsicle gc --all when they have ended")
	}
	all, err := engines(ctx, history, c.String("engine"))
	if err != nil {
		return err
	}
	m := memory{history}
	var errs error
	for _, e := range all {
		errs = errors.Join(errs, m.dropTrees(ctx, c, e))
	}
	_, err = history.CloseAbandoned(ctx, docker.LeaseHeld)
	reaped, reapErr := reapAll(ctx, all, m.keeps(filepath.Dir(file)))
	for _, name := range slices.Concat(reaped...) {
		fmt.Fprintf(stdout(c), "removed %s, which a dead run left behind\n", name)
	}
	if errs = errors.Join(errs, err, reapErr); errs == nil {
		for _, lease := range dead {
			errs = errors.Join(errs, os.Remove(lease))
		}
	}
	return errs
}

// dropTrees removes the trees on an engine that are old, or all with --all.
func (m memory) dropTrees(ctx context.Context, c *cli.Command, e engine) (errs error) {
	old := m.OldBases(e.Host)
	if c.Bool("all") {
		old = m.allBases(e.Host)
	}
	for _, b := range old {
		if err := e.cli.VolumeRemove(ctx, b.Volume); err != nil {
			errs = errors.Join(errs, err)
			continue
		}
		m.DropBase(b)
		fmt.Fprintf(stdout(c), "removed %s: %d files of %s\n", b.Volume, b.Files, b.Root)
	}
	return errs
}

func (m memory) allBases(engine string) []runner.Base {
	all, _ := m.Bases(context.Background(), engine)
	bases := make([]runner.Base, len(all))
	for i, b := range all {
		bases[i] = runnerBase(b)
	}
	return bases
}
