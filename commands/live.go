package commands

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// running is the job that runs now and is asked for, if there is one: by its
// name, or as the only one of its pipeline. A pipeline is asked for by its
// number, or as the latest of this checkout.
func (l *launch) running(ctx context.Context, number int64, job string) (*db.Job, error) {
	if number == 0 && job == "" {
		return nil, nil //nolint:nilnil // what failed is meant
	}
	if number == 0 {
		latest, err := l.history.Pipelines(ctx, db.PipelineFilter{Root: gitops.Top("."), Limit: 1})
		if err != nil || len(latest) == 0 {
			return nil, err
		}
		number = latest[0].ID
	}
	all, err := l.history.Jobs(ctx, number)
	if err != nil {
		return nil, err
	}
	some := slices.DeleteFunc(all, func(j db.Job) bool {
		asked := job == "" || j.Name == job || j.Workflow+"/"+j.Name == job || rerunOf(j.Name, job)
		return j.Status != event.Running || j.Container == "" || !asked
	})
	if len(some) == 0 {
		return nil, nil //nolint:nilnil // none runs
	}
	if some[0].Name != some[len(some)-1].Name {
		var names []string
		for _, j := range some {
			names = append(names, fmt.Sprintf("popsicle shell %d %s", number, j.Name))
		}
		return nil, usage("several jobs of #%d run; there are:\n  %s", number, strings.Join(slices.Compact(names), "\n  "))
	}
	return &some[0], nil
}

// visitLive opens a shell beside the step that runs.
func (l *launch) visitLive(ctx context.Context, j *db.Job) error {
	cli, err := l.clientFor(ctx, j.Engine)
	if err != nil {
		return err
	}
	names, err := cli.Named(ctx, j.Container) // a second start has a suffix
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return usage("job %s of #%d has no container now: it begins, has just ended, or runs on this host itself", j.Name, j.PipelineID)
	}
	live, err := runner.Enter(ctx, cli, slices.Max(names))
	if err != nil {
		return hasEnded(j, err)
	}
	where := fmt.Sprintf("job %s of #%d runs step %d", j.Name, j.PipelineID, live.Step)
	if live.Step == 0 {
		where = fmt.Sprintf("job %s of #%d runs no command now: the shell is without the job's variables", j.Name, j.PipelineID)
	}
	fmt.Fprintf(os.Stderr, "%s; what you change here, its steps see, and the shell ends with the job\n", where)
	code, err := live.Shell(ctx, os.Stdin, os.Stdout, os.Stderr, isTerminal(os.Stdin) && isTerminal(os.Stdout))
	if err != nil {
		return hasEnded(j, err)
	}
	if code == 137 {
		fmt.Fprintf(os.Stderr, "job %s of #%d has ended, and its container with it\n", j.Name, j.PipelineID)
	}
	if code != 0 {
		return toldError(code)
	}
	return nil
}

// hasEnded explains an error about a container that is gone.
func hasEnded(j *db.Job, err error) error {
	if docker.Gone(err) || docker.NotRunning(err) {
		return usage("job %s of #%d has just ended: popsicle shell %d %s opens its container, if it failed", j.Name, j.PipelineID, j.PipelineID, j.Name)
	}
	return err
}
