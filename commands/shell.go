package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
)

func shellCommand() *cli.Command {
	return &cli.Command{
		Name:      "shell",
		Usage:     "open a shell in the container of a job that failed, or runs",
		ArgsUsage: "[N] [JOB]",
		Description: `Opens a shell where a job failed: in its container as it was, as its user, in
the directory and with the variables of the step that failed. Values of secrets
are not kept: they are read again from contexts and the project, and those of
-e are given again.

   popsicle shell                     the job that failed last in this checkout
   popsicle shell 12 test             job test of #12
   popsicle shell 12 test --step 4    with the directory and variables of step 4
   echo 'ls -l' | popsicle shell      without a terminal, reads commands

A job that still runs is entered where its step is, with that one's variables:

   popsicle shell 13 test             while #13 runs, from another terminal

popsicle run keeps the last five containers for three days (--keep never: none).
The exit code is the shell's.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "step", Aliases: []string{"s"}, Usage: "begin as `STEP` does, its number or name", DefaultText: "the one that failed"},
			&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "set a variable, `NAME=VALUE`, or pass on NAME"},
			&cli.StringSliceFlag{Name: "env-file", Usage: "read variables from `FILE`"},
			engineFlag(""),
		},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       shellAction,
	}
}

func shellAction(ctx context.Context, c *cli.Command) error {
	number, job, err := place("shell", c.Args().Slice())
	if err != nil {
		return err
	}
	given, err := projectVars(c.StringSlice("env-file"), c.StringSlice("env"))
	if err != nil {
		return err
	}
	l := &launch{order: order{engine: c.String("engine"), env: given}}
	if err := l.openHistory(ctx); err != nil {
		return err
	}
	j, err := l.running(ctx, number, job)
	if err != nil {
		return err
	}
	if j != nil {
		return l.visitLive(ctx, j)
	}
	k, p, err := l.find(ctx, number, job)
	if err != nil {
		return err
	}
	cli, err := l.clientFor(ctx, k.Engine)
	if err != nil {
		return err
	}
	step, err := stepOf(k.Kept, c.String("step"))
	if err != nil {
		return err
	}
	vars, err := l.lookUp(ctx, p, k.Kept)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s; this is its container as it was\n", l.story(ctx, k.Kept, step))
	if err := (attic{l.history}).freeze(ctx, cli, k.id, &k.Kept); err != nil {
		return k.gone(err)
	}
	return l.visit(ctx, cli, k, k.Text(vars, step))
}

// place reads [N] [JOB], which may be written N/JOB too.
func place(command string, args []string) (number int64, job string, err error) {
	if len(args) > 0 {
		first, rest, both := strings.Cut(strings.TrimPrefix(args[0], "#"), "/")
		if _, err := fmt.Sscanf(first+"\n", "%d\n", &number); err == nil {
			if args = args[1:]; both {
				args = append([]string{rest}, args...)
			}
		}
	}
	if len(args) > 1 {
		return 0, "", usage("%s takes a pipeline and a job: popsicle %s 12 test", command, command)
	}
	return number, strings.Join(args, ""), nil
}

// A found is a kept container, and its key in the history.
type found struct {
	runner.Kept
	id int64
}

// gone explains an error of the engine, which may not have the container any
// more.
func (k found) gone(err error) error {
	if docker.NoSuchImage(err) || docker.Gone(err) {
		return usage("the container of job %s of #%d is gone from the engine: popsicle rerun %d --failed makes another", k.Job, k.Pipeline, k.Pipeline)
	}
	return err
}

// clientFor is the client for an engine, by its name in the history.
func (l *launch) clientFor(ctx context.Context, host string) (docker.CLI, error) {
	all, err := engines(ctx, l.history, l.engine)
	if err != nil {
		return docker.CLI{}, err
	}
	if cli, ok := among(all, host); ok {
		return cli, nil
	}
	return docker.CLI{}, usage("the job ran on the engine %s, which is neither the local one (%s) nor in popsicle runners list", host, all[0].Host)
}

// among returns the client of an engine, and whether it is one of some.
func among(some []engine, host string) (docker.CLI, bool) {
	for _, e := range some {
		if e.Host == host {
			return e.cli, true
		}
	}
	return docker.CLI{}, false
}

// find returns the newest kept container that is asked for.
func (l *launch) find(ctx context.Context, number int64, job string) (found, db.Pipeline, error) {
	all, err := l.history.AllKept(ctx)
	if err != nil {
		return found{}, db.Pipeline{}, err
	}
	root := gitops.Top(".")
	for _, k := range all {
		if number != 0 && k.Pipeline != number || job != "" && k.Job != job && k.Workflow+"/"+k.Job != job && !rerunOf(k.Job, job) {
			continue
		}
		p, err := l.history.Pipeline(ctx, k.Pipeline)
		if err != nil {
			return found{}, p, err
		}
		if number == 0 && root != "" && p.Root != root {
			continue
		}
		one, err := about(k)
		return found{one, k.ID}, p, err
	}
	return found{}, db.Pipeline{}, l.nothingKept(all, number, job)
}

// rerunOf says whether a name is of a job that a workflow ran again: "test
// (rerun 1)".
func rerunOf(name, job string) bool { return strings.HasPrefix(name, job+" (rerun ") }

// nothingKept says why there is nothing to open, and what there is.
func (l *launch) nothingKept(all []db.Kept, number int64, job string) error {
	what := "no job that failed in this checkout"
	if number != 0 {
		what = fmt.Sprintf("#%d has no job that failed and", number)
	}
	if job != "" {
		what = strings.TrimSpace(fmt.Sprintf("no failed job %s", job))
	}
	var names []string
	for _, k := range all {
		names = append(names, fmt.Sprintf("popsicle shell %d %s", k.Pipeline, k.Job))
	}
	if len(names) == 0 {
		return usage("%s is kept: popsicle run keeps the containers of jobs that fail", what)
	}
	return usage("%s is kept; there are:\n  %s", what, strings.Join(slices.Compact(names), "\n  "))
}

// stepOf is the step that is asked for, or the one that failed.
func stepOf(k runner.Kept, asked string) (runner.KeptStep, error) {
	var names []string
	for _, s := range k.Steps {
		if asked == fmt.Sprint(s.Number) || asked == s.Name || asked == "" && s.Number == k.FailedAt {
			return s, nil
		}
		names = append(names, fmt.Sprintf("%d %s", s.Number, s.Name))
	}
	if asked == "" { // it was none of the commands
		return runner.KeptStep{Number: k.FailedAt, Dir: k.Dir}, nil
	}
	return runner.KeptStep{}, usage("job %s has no step %q: there are\n  %s", k.Job, asked, strings.Join(names, "\n  "))
}

// story says what became of the job.
func (l *launch) story(ctx context.Context, k runner.Kept, step runner.KeptStep) string {
	text := fmt.Sprintf("job %s of #%d failed", k.Job, k.Pipeline)
	jobs, _ := l.history.Jobs(ctx, k.Pipeline)
	for _, j := range jobs {
		if j.Name != k.Job || j.Workflow != k.Workflow || j.Node != k.Node {
			continue
		}
		steps, _ := l.history.Steps(ctx, j.ID)
		for _, s := range steps {
			if s.Number == k.FailedAt && s.Status == event.Failed {
				text += fmt.Sprintf(" at step %d %s", s.Number, s.Name)
				if s.ExitCode != nil {
					text += fmt.Sprintf(" (exit %d)", *s.ExitCode)
				}
			}
		}
	}
	if step.Number != k.FailedAt {
		text += fmt.Sprintf("; as step %d %s begins", step.Number, step.Name)
	}
	return text
}

// visit opens the container and the shell, and removes the container after.
func (l *launch) visit(ctx context.Context, cli docker.CLI, k found, text string) error {
	var code int
	_, err := l.leased(func(lease *docker.Lease) (status event.Status, left bool, err error) {
		v, err := runner.Visit(ctx, cli, k.Kept, text, lease)
		if err != nil {
			return "", true, err
		}
		defer func() { err = errors.Join(err, v.Close()) }()
		code, err = v.Shell(ctx, os.Stdin, os.Stdout, os.Stderr, isTerminal(os.Stdin) && isTerminal(os.Stdout))
		return "", false, err
	})
	if err != nil {
		return k.gone(err)
	}
	if code != 0 {
		return toldError(code)
	}
	return nil
}
