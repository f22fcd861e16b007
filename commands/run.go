package commands

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/term"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "run the pipeline of this checkout in containers",
		ArgsUsage: "[JOB…]",
		Description: `Runs the workflows of .popsicle/*.yml, or of .circleci/config.yml, on the
working tree as it is: tracked files and new ones that are not ignored.
With JOB, runs those jobs and what they require.

   popsicle run                      everything
   popsicle run test --only          one job, without what it requires
   popsicle run --staged             what the next commit would hold
   popsicle run --commit HEAD~1      exactly a commit
   popsicle run --dry-run --graph    what would run, and how it hangs together

Exit codes: 0 passed, 1 a job failed, 2 wrong usage or invalid config, 3
docker, git, the disk or popsicle could not do its part, 130 interrupted.`,
		Flags:        slices.Concat(selectionFlags(), treeFlags(), environmentFlags(), engineFlags(), limitFlags(), outputFlags()),
		Suggest:      true,
		OnUsageError: usageError,
		Action:       runAction,
	}
}

func selectionFlags() []cli.Flag {
	const category = "What runs"
	return []cli.Flag{
		&cli.BoolFlag{Name: "only", Usage: "leave out what the named jobs require", Category: category},
		&cli.StringFlag{Name: "workflow", Aliases: []string{"w"}, Usage: "run only this `WORKFLOW`", Category: category},
		&cli.StringSliceFlag{Name: "config", Aliases: []string{"c"}, Usage: "take the pipeline from `FILE`, - for standard input (again: from several)", Category: category},
		&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "run `N` jobs at once", DefaultText: "by CPUs and memory", Category: category},
		&cli.BoolFlag{Name: "fail-fast", Usage: "cancel the rest when a job fails", Category: category},
		&cli.StringSliceFlag{Name: "approve", Usage: "approve the approval job `NAME`, or all", Category: category},
		&cli.BoolFlag{Name: "hold", Usage: "wait for popsicle approve where an approval job is reached", DefaultText: "on a terminal", Category: category},
		&cli.BoolFlag{Name: "dry-run", Usage: "print the plan and stop", Category: category},
		&cli.BoolFlag{Name: "graph", Usage: "draw the job graph and stop", Category: category},
	}
}

func treeFlags() []cli.Flag {
	const category = "What is tested"
	return []cli.Flag{
		&cli.StringFlag{Name: "commit", Usage: "test exactly the commit `REF`", Category: category},
		&cli.BoolFlag{Name: "staged", Usage: "test what is staged", Category: category},
		&cli.StringFlag{Name: "branch", Usage: "play the branch `NAME` to filters and jobs", Category: category},
		&cli.StringFlag{Name: "tag", Usage: "play the tag `NAME`", Category: category},
		&cli.StringFlag{Name: "dir", Aliases: []string{"C"}, Usage: "the checkout that holds `DIR`", Value: ".", Category: category},
	}
}

func environmentFlags() []cli.Flag {
	const category = "What jobs see"
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "param", Aliases: []string{"p"}, Usage: "set a pipeline parameter, `NAME=VALUE`", Category: category},
		&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "set a project variable, `NAME=VALUE`, or pass on NAME; masked in all output", Category: category},
		&cli.StringSliceFlag{Name: "env-file", Usage: "read project variables from `FILE`", Category: category},
		&cli.StringSliceFlag{Name: "ssh-key", Usage: "a private key for add_ssh_keys, `FILE`, or FINGERPRINT=FILE for the one of that fingerprint", Category: category},
		&cli.BoolFlag{Name: "ssh-agent", Usage: "let jobs with add_ssh_keys use the keys of your SSH agent", Category: category},
		&cli.StringFlag{Name: "missing-contexts", Usage: "where a context is not known here, `WHAT`: refuse or ignore", Value: "refuse", Category: category, Validator: missingContexts},
		&cli.BoolFlag{Name: "no-secrets", Usage: "give jobs no contexts, no variables of the project and no keys", Category: category},
	}
}

func missingContexts(s string) error {
	if s != "refuse" && s != "ignore" {
		return usage("--missing-contexts %s: there are refuse and ignore", s)
	}
	return nil
}

func engineFlags() []cli.Flag {
	const category = "Docker"
	return []cli.Flag{
		&cli.StringFlag{Name: "pull", Usage: "pull images `WHEN`: if-missing, always or never", Value: string(runner.PullMissing), Category: category, Validator: pullWhen},
		&cli.StringSliceFlag{Name: "platform", Usage: "run images as `OS/ARCH`, or one image: IMAGE=OS/ARCH", Category: category},
		&cli.StringFlag{Name: "machine-image", Usage: "run machine jobs in containers of `IMAGE`", Value: runner.DefaultMachine, Category: category},
		&cli.BoolFlag{Name: "allow-host", Usage: "run machine jobs, or on a Mac macos jobs, on this host itself, without a container: they may do whatever you may", Category: category},
		&cli.BoolFlag{Name: "limits", Usage: "give each job what its resource_class has, no more", Category: category},
		&cli.StringSliceFlag{Name: "runner", Usage: "give jobs to the engine `NAME` alone, of popsicle runners or local (again: several)", Category: category},
		&cli.StringFlag{Name: "keep", Usage: "keep containers for popsicle shell `WHEN`: failed or never", Value: "failed", Category: category, Validator: keepWhen},
		engineFlag(category),
	}
}

func pullWhen(s string) error {
	switch runner.Pull(s) {
	case runner.PullMissing, runner.PullAlways, runner.PullNever:
		return nil
	}
	return usage("--pull %s: there are if-missing, always and never", s)
}

func keepWhen(s string) error {
	if s != "failed" && s != "never" {
		return usage("--keep %s: there are failed and never", s)
	}
	return nil
}

func outputFlags() []cli.Flag {
	const category = "Output"
	return []cli.Flag{
		&cli.BoolFlag{Name: "plain", Usage: "one line an event, on a terminal too", Category: category},
		&cli.BoolFlag{Name: "report", Usage: "post the result as statuses of the commit, if it is exactly what was tested", Category: category},
		&cli.BoolFlag{Name: "json", Usage: "one JSON object an event (docs/json.md)", Category: category},
		colorFlag(),
	}
}

func colorFlag() cli.Flag {
	return &cli.StringFlag{Name: "color", Usage: "use colours `WHEN`: auto, always or never", Value: "auto", Category: "Output", Validator: func(s string) error {
		if s != "auto" && s != "always" && s != "never" {
			return usage("--color %s: there are auto, always and never", s)
		}
		return nil
	}}
}

// An order is what `popsicle run` was asked to do.
type order struct {
	dir         string
	source      gitops.Source
	branch, tag string
	configs     []string
	selection   plan.Selection
	params      map[string]string
	env         []plan.Var // of -e and --env-file
	keys        []runner.SSHKey
	agent       bool // jobs use the user's SSH agent
	untrusted   bool // jobs get no secrets
	confined    bool // jobs get no power over the engine's host
	anyContext  bool // contexts that are not known are empty
	parallel    int
	atMost      int      // jobs at once over all engines; 0: as many as those can have
	runners     []string // engines that jobs run on; none: all
	failFast    bool
	approve     []string
	hold        bool // approval jobs wait for an answer
	pull        runner.Pull
	platform    string
	platforms   map[string]string
	platformArg []string // both as given
	engine      string
	limits      limits
	machine     string // image of machine jobs
	allowHost   bool   // they run on this host instead
	sized       bool   // jobs have what their resource classes give
	keep        bool   // the containers of jobs that fail

	// Of what somebody else than the one at the keyboard asked for.
	repoName    string                    // "owner/name"; empty: as the remote says
	trigger     string                    // event.PipelineStarted.Trigger; empty: cli
	triggerVals map[string]any            // pipeline values that the trigger sets
	triggerVars []plan.Var                // variables that the trigger sets
	scheduled   string                    // the workflow that a schedule started
	mayUse      func(context string) bool // nil: any context
}

func newOrder(c *cli.Command) (order, error) {
	o := order{
		dir: c.String("dir"), branch: c.String("branch"), tag: c.String("tag"), configs: c.StringSlice("config"),
		selection: plan.Selection{Workflow: c.String("workflow"), Jobs: c.Args().Slice(), Only: c.Bool("only")},
		parallel:  c.Int("jobs"), atMost: c.Int("jobs"), runners: c.StringSlice("runner"), failFast: c.Bool("fail-fast"), approve: c.StringSlice("approve"),
		pull: runner.Pull(c.String("pull")), engine: c.String("engine"), agent: c.Bool("ssh-agent"), untrusted: c.Bool("no-secrets"), anyContext: c.String("missing-contexts") == "ignore",
		machine: c.String("machine-image"), allowHost: c.Bool("allow-host"), sized: c.Bool("limits"), keep: c.String("keep") == "failed",
		hold: c.Bool("hold") || !c.Bool("json") && term.IsTerminal(os.Stdin) && term.IsTerminal(os.Stdout),
	}
	switch {
	case c.IsSet("commit") && c.Bool("staged"):
		return o, usage("--commit and --staged exclude each other: one names what is tested")
	case c.IsSet("commit"):
		o.source = gitops.Source{Kind: gitops.Commit, Rev: c.String("commit")}
	case c.Bool("staged"):
		o.source = gitops.Source{Kind: gitops.Index, IndexFile: os.Getenv("GIT_INDEX_FILE")}
	}
	switch {
	case o.branch != "" && o.tag != "":
		return o, usage("--branch and --tag exclude each other: a pipeline runs on one ref")
	case o.selection.Only && len(o.selection.Jobs) == 0:
		return o, usage("--only needs the names of jobs")
	case o.untrusted && (c.IsSet("env") || c.IsSet("env-file") || c.IsSet("ssh-key") || o.agent):
		return o, usage("--no-secrets excludes -e, --env-file, --ssh-key and --ssh-agent: they give secrets")
	case c.IsSet("jobs") && o.parallel < 1:
		return o, usage("--jobs %d: at least one job must run at a time", o.parallel)
	case o.parallel == 0:
		o.parallel = capacity()
	}
	var err error
	if o.params, err = parameters(c.StringSlice("param")); err != nil {
		return o, err
	}
	if err = o.setPlatforms(c.StringSlice("platform")); err != nil {
		return o, err
	}
	if o.limits, err = newLimits(c); err != nil {
		return o, err
	}
	if o.keys, err = sshKeys(c.StringSlice("ssh-key")); err != nil {
		return o, err
	}
	o.env, err = projectVars(c.StringSlice("env-file"), c.StringSlice("env"))
	return o, err
}

func runAction(ctx context.Context, c *cli.Command) error {
	o, err := newOrder(c)
	if err != nil {
		return err
	}
	ctx, now, stop := interrupts(ctx)
	defer stop()
	l := &launch{order: o, now: now}
	if err := l.open(ctx); err != nil {
		return err
	}
	theme := newTheme(c, os.Stdout)
	if c.Bool("graph") {
		return term.Graph(stdout(c), l.plan, theme)
	}
	if c.Bool("dry-run") {
		return term.Plan(stdout(c), l.plan, theme)
	}
	return l.show(ctx, c)
}

// show runs the plan before the user's eyes.
func (l *launch) show(ctx context.Context, c *cli.Command) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	report, err := l.reporting(ctx, c.Bool("report"))
	if err != nil {
		return err
	}
	sinks, finish := listeners(c, newTheme(c, os.Stdout), l)
	status, err := l.run(ctx, append(sinks, report.sinks...))
	err = errors.Join(err, finish())
	report.finish()
	if err == nil && status != event.Success {
		err = endedError(status)
	}
	return err
}

// listeners are those who show the run: what --json, --plain and the terminal
// ask for. finish ends them.
func listeners(c *cli.Command, theme term.Theme, l *launch) (sinks []event.Sink, finish func() error) {
	if c.Bool("json") {
		json := term.NewJSON(os.Stdout)
		return []event.Sink{json}, json.Close
	}
	summary := term.NewSummary(os.Stdout, theme)
	summary.Plan = l.plan
	if c.Bool("plain") || !term.IsTerminal(os.Stdout) || os.Getenv("TERM") == "dumb" {
		plain := term.NewPlain(os.Stdout, theme)
		return []event.Sink{plain, summary}, plain.Close
	}
	live := term.NewLive(os.Stdout, theme)
	summary.OmitJobs = true // live leaves the list of jobs behind
	live.Ask(os.Stdin, l.answer)
	restore := term.Quiet(os.Stdin)
	return []event.Sink{live, summary}, func() error {
		defer restore()
		return live.Close()
	}
}

// newTheme is what the terminal can show, as flags and environment say.
// https://no-color.org: any value of NO_COLOR that is not empty counts.
func newTheme(c *cli.Command, out *os.File) term.Theme {
	terminal := term.IsTerminal(out)
	t := term.Theme{Unicode: term.UnicodeLocale(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG"))}
	if terminal {
		t.Size = term.Size(out)
	}
	switch c.String("color") {
	case "always":
		t.Color = true
	case "auto":
		t.Color = terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return t
}

// shutdown is how long the recorder may take to write the end of a run.
const shutdown = 30 * time.Second
