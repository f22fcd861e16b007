package commands

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/popsicle-ci/popsicle/server"
)

func rerunCommand() *cli.Command {
	const category = "What runs"
	return &cli.Command{
		Name:      "rerun",
		Usage:     "run a pipeline again",
		ArgsUsage: "[N] [JOB]",
		Description: `Runs again what was asked of pipeline N, or of the latest of this checkout: the
same jobs, parameters, branch and config files. A commit is tested as it was, a
working tree as it is now. Variables, files of them and keys are not kept: give
-e, --env-file and --ssh-key again.

   popsicle rerun                    the latest pipeline once more
   popsicle rerun --failed           without the jobs that passed in it
   popsicle rerun 12 -p os=alpine    #12, with another value of a parameter
   popsicle rerun --from-step 4      the job that failed, in its kept container,
                                     from step 4 on, and then what requires it
   popsicle rerun 12 test --from-step "go test"

With --server, a daemon runs it, on the same commit, and the number of the new
pipeline is printed.

   popsicle rerun 12 --server https://ci.example.com`,
		Flags: slices.Concat([]cli.Flag{
			&cli.BoolFlag{Name: "failed", Usage: "take over the jobs that passed, with all they left in the workspace", Category: category},
			&cli.StringFlag{Name: "from-step", Usage: "let the job that failed go on in its kept container, from `STEP`, its number or name", Category: category},
			&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "run `N` jobs at once", DefaultText: "by CPUs and memory", Category: category},
			&cli.BoolFlag{Name: "fail-fast", Usage: "cancel the rest when a job fails", Category: category},
			&cli.StringSliceFlag{Name: "approve", Usage: "approve the approval job `NAME`, or all", Category: category},
			serverFlag(),
		}, environmentFlags(), engineFlags(), limitFlags(), outputFlags()),
		Suggest:      true,
		OnUsageError: usageError,
		Action:       rerunAction,
	}
}

func rerunAction(ctx context.Context, c *cli.Command) error {
	from := c.String("from-step")
	switch {
	case from == "" && c.Args().Len() > 1:
		return usage("rerun takes the number of one pipeline: popsicle history lists them")
	case from != "" && c.String("server") != "":
		return usage("a daemon keeps no containers: --from-step and --server exclude each other")
	case c.String("server") != "":
		return rerunThere(ctx, c)
	}
	o, err := newOrder(c)
	if err != nil {
		return err
	}
	p, job, err := earlier(ctx, c)
	if err != nil {
		return err
	}
	failed := from != "" || c.Bool("failed")
	if err := repeatable(p, failed); err != nil {
		return err
	}
	if err := o.repeat(c, p); err != nil {
		return err
	}
	ctx, now, stop := interrupts(ctx)
	defer stop()
	l := &launch{order: o, now: now, again: &again{of: p, failed: failed}}
	if err := l.open(ctx); err != nil {
		return err
	}
	l.again.keeper.DB = l.history
	if from != "" {
		if l.again.resume, err = l.resumption(ctx, job, from); err != nil {
			return err
		}
	}
	if err := l.again.compare(ctx, l.checkout); err != nil {
		return err
	}
	return l.show(ctx, c)
}

// earlier is the pipeline that is to run again and, with --from-step, the job
// of it that was named.
func earlier(ctx context.Context, c *cli.Command) (p db.Pipeline, job string, err error) {
	arg := c.Args().First()
	if c.String("from-step") != "" {
		var number int64
		if number, job, err = place("rerun", c.Args().Slice()); err != nil {
			return p, "", err
		}
		if arg = ""; number != 0 {
			arg = fmt.Sprint(number)
		}
	}
	history, err := openHistory(ctx)
	if err != nil {
		return p, "", err
	}
	p, err = pickHere(ctx, history, arg)
	return p, job, errors.Join(err, history.Close())
}

// rerunThere asks a daemon.
func rerunThere(ctx context.Context, c *cli.Command) error {
	number, err := numberArg(c)
	if err != nil {
		return err
	}
	r, err := openRemote(c.String("server"))
	if err != nil {
		return err
	}
	var made server.Accepted
	if err := r.send(ctx, http.MethodPost, fmt.Sprintf("/pipelines/%d/rerun", number), server.Rerun{FailedOnly: c.Bool("failed")}, &made); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout(c), "%d\n", made.Number)
	return err
}

// pickHere is pick, but without a number only for pipelines of this checkout.
func pickHere(ctx context.Context, history archive, arg string) (db.Pipeline, error) {
	if arg != "" {
		return pick(ctx, history, arg)
	}
	root := gitops.Top(".")
	if root == "" {
		return db.Pipeline{}, usage("this folder is in no checkout: give the number of a pipeline; popsicle history --all lists them")
	}
	found, err := history.Pipelines(ctx, db.PipelineFilter{Root: root, Limit: 1})
	if err == nil && len(found) == 0 {
		err = usage("no pipeline of this checkout has run yet: popsicle run")
	}
	if err != nil {
		return db.Pipeline{}, err
	}
	return found[0], nil
}

// repeatable says why a pipeline cannot be run again from here.
func repeatable(p db.Pipeline, failed bool) error {
	switch {
	case p.Trigger != "cli":
		return usage("#%d was run by a daemon: popsicle rerun %d --server URL asks it", p.ID, p.ID)
	case !p.Status.Ended():
		return usage("#%d is still %s: popsicle cancel %d ends it", p.ID, p.Status, p.ID)
	case failed && p.Status == event.Success && p.Jobs[event.NotRun] == 0:
		return usage("#%d passed, nothing of it is left to run again: popsicle rerun %d runs all of it", p.ID, p.ID)
	}
	if _, err := os.Stat(p.Root); err != nil {
		return usage("the checkout of #%d is gone: %w", p.ID, err)
	}
	return nil
}

// repeat asks again what was asked of a pipeline, but for what the command
// line says otherwise.
func (o *order) repeat(c *cli.Command, p db.Pipeline) error {
	a := p.Asked
	if slices.Contains(a.Configs, stdinFile) {
		return usage("#%d had its config from standard input, which is gone: popsicle run -c FILE", p.ID)
	}
	o.dir, o.configs, o.branch, o.tag = p.Root, a.Configs, a.Branch, a.Tag
	o.selection = plan.Selection{Workflow: a.Workflow, Jobs: a.Jobs, Only: a.Only}
	switch p.Source {
	case "index":
		o.source = gitops.Source{Kind: gitops.Index}
	case "commit": // by itself a commit does not know the branch it was asked for on
		o.source, o.branch, o.tag = gitops.Source{Kind: gitops.Commit, Rev: p.Commit}, p.Branch, p.Tag
	}
	params := maps.Clone(a.Parameters)
	if params == nil {
		params = map[string]string{}
	}
	maps.Copy(params, o.params)
	o.params = params
	o.untrusted, o.anyContext, o.sized = o.untrusted || a.NoSecrets, o.anyContext || a.AnyContext, o.sized || a.Limits
	if o.untrusted && (c.IsSet("env") || c.IsSet("env-file") || c.IsSet("ssh-key") || o.agent) {
		return usage("#%d ran with --no-secrets, and so does its rerun: leave out -e, --env-file, --ssh-key and --ssh-agent", p.ID)
	}
	if a.Machine != "" && !c.IsSet("machine-image") {
		o.machine = a.Machine
	}
	return o.setPlatforms(append(slices.Clone(a.Platforms), o.platformArg...))
}

// asked is what was asked of the run, as the history keeps it.
func (l *launch) asked() event.Request {
	a := event.Request{
		Jobs: l.selection.Jobs, Only: l.selection.Only, Workflow: l.selection.Workflow, Parameters: l.params,
		Branch: l.branch, Tag: l.tag, Platforms: l.platformArg, NoSecrets: l.untrusted, AnyContext: l.anyContext, Limits: l.sized,
	}
	if l.machine != runner.DefaultMachine {
		a.Machine = l.machine
	}
	for _, file := range l.configs {
		if abs, err := filepath.Abs(file); err == nil && file != stdinFile { // else it is asked for as it was written
			file = abs
		}
		a.Configs = append(a.Configs, file)
	}
	if l.again != nil {
		a.Rerun, a.Failed = l.again.of.ID, l.again.failed
		if r := l.again.resume; r != nil {
			a.FromStep = r.job + ": " + r.step
		}
	}
	return a
}
