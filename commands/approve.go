package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// approved says whether a job was approved on the command line.
func (l *launch) approved(job string) bool {
	return slices.Contains(l.approve, "all") || slices.Contains(l.approve, job)
}

// decide waits until the history holds an answer about an approval job: of
// this terminal, or of any other process.
func (l *launch) decide(ctx context.Context, at event.At) (d runner.Decision, err error) {
	if l.holding != nil {
		l.holding(1)
		defer l.holding(-1)
	}
	err = l.history.Await(ctx, func() (bool, error) {
		a, said, err := l.history.Approval(ctx, at.Pipeline, at.JobID)
		d = runner.Decision(a)
		return said, err
	})
	return d, err
}

// answer is what a key on the terminal says. An answer that came from
// elsewhere before counts; one that cannot be written is asked for again by
// popsicle approve, which tells why.
func (l *launch) answer(job event.At, approved bool) {
	_ = l.history.Answer(context.Background(), job.Pipeline, job.JobID, db.Approval{Approved: approved, By: userName()})
}

func approveCommand() *cli.Command {
	return &cli.Command{
		Name:      "approve",
		Usage:     "approve a job that a pipeline waits for, or a pipeline of a fork",
		ArgsUsage: "N [JOB]",
		Description: `Answers the approval job JOB of pipeline N, from any terminal; without JOB
the only one that is on hold. The first answer counts.

   popsicle approve 12 hold
   popsicle approve 12 hold --reject     what requires it does not run
   popsicle approve 12 hold --server ci  at a daemon elsewhere

A pull request from another repository, at a daemon, waits as a whole until you
have looked at it: it may hold any program. Approved is the one commit that
pipeline N is of; what is pushed to the pull request after it waits again. Its
jobs see no secrets in any case.

   popsicle history
   popsicle approve 12`,
		Flags:        []cli.Flag{&cli.BoolFlag{Name: "reject", Usage: "end the job as canceled instead"}, serverFlag()},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       approveAction,
	}
}

func approveAction(ctx context.Context, c *cli.Command) error {
	if n := c.Args().Len(); n < 1 || n > 2 {
		return usage("approve takes the number of a pipeline and the name of a job: popsicle approve 12 hold")
	}
	if c.String("server") != "" {
		return approveRemote(ctx, c)
	}
	file, err := historyFile()
	if err != nil {
		return err
	}
	history, err := db.Open(ctx, file)
	if err != nil {
		return err
	}
	defer history.Close()
	p, err := pick(ctx, history, c.Args().First())
	if err != nil {
		return err
	}
	if p.Status == event.OnHold && p.Lease == "" && c.Args().Len() == 1 && !c.Bool("reject") {
		return approveOrder(ctx, c, history, p.ID)
	}
	if !p.Status.Ended() && !docker.LeaseHeld(p.Lease) {
		return usage("pipeline #%d was interrupted: nobody waits for an answer", p.ID)
	}
	j, err := approval(ctx, history, p, c.Args().Get(1))
	if err != nil {
		return err
	}
	return answered(ctx, c, history, j)
}

// approveOrder lets the daemon run a pipeline that waits as a whole.
func approveOrder(ctx context.Context, c *cli.Command, history *db.DB, pipeline int64) error {
	o, err := history.Order(ctx, pipeline)
	if err != nil {
		return err
	}
	if err := history.Approve(ctx, pipeline, userName()); err != nil {
		return usageErr{err}
	}
	_, err = fmt.Fprintf(stdout(c), "#%d is approved: %s of %s runs next\n", pipeline, o.Commit[:min(12, len(o.Commit))], o.Repo)
	return err
}

// answered gives the answer, and says which counts.
func answered(ctx context.Context, c *cli.Command, history *db.DB, j db.Job) error {
	if err := history.Answer(ctx, j.PipelineID, j.Position, db.Approval{Approved: !c.Bool("reject"), By: userName()}); err != nil {
		return usageErr{err}
	}
	a, _, err := history.Approval(ctx, j.PipelineID, j.Position)
	if err != nil {
		return err
	}
	verb := map[bool]string{true: "approved", false: "rejected"}
	if a.Approved == c.Bool("reject") {
		return usage("job %s of pipeline #%d was %s by %s before", j.Name, j.PipelineID, verb[a.Approved], a.By)
	}
	_, err = fmt.Fprintf(stdout(c), "#%d/%s %s by %s\n", j.PipelineID, j.Name, verb[a.Approved], a.By)
	return err
}

// approval finds the approval job that is meant.
func approval(ctx context.Context, history archive, p db.Pipeline, name string) (db.Job, error) {
	jobs, err := history.Jobs(ctx, p.ID)
	if err != nil {
		return db.Job{}, err
	}
	var found []db.Job
	var names []string
	for _, j := range jobs {
		if j.Kind != string(plan.Approval) {
			continue
		}
		names = append(names, j.Name)
		if name == "" && j.Status == event.OnHold || name != "" && called(j, name) {
			found = append(found, j)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(names) == 0:
		return db.Job{}, usage("pipeline #%d has no approval job", p.ID)
	case len(found) > 1:
		return db.Job{}, usage("pipeline #%d has several that are meant: name one, as WORKFLOW/JOB where it takes that, of %s", p.ID, strings.Join(names, ", "))
	case name == "":
		return db.Job{}, usage("no job of pipeline #%d is on hold: its approval jobs are %s", p.ID, strings.Join(names, ", "))
	}
	return db.Job{}, usage("pipeline #%d has no approval job %q: it has %s", p.ID, name, strings.Join(names, ", "))
}

// onHold says that all has passed but what waits for approval, and how it goes
// on.
func (l *launch) onHold(id int64, waiting []string) string {
	text := "on hold at " + strings.Join(waiting, ", ")
	if l.trigger != "" {
		return text // a daemon's pipelines are not rerun from here
	}
	name := waiting[0]
	if len(waiting) > 1 || strings.Contains(name, " ") {
		name = "all"
	}
	return fmt.Sprintf("%s; popsicle rerun %d --failed --approve %s goes on", text, id, name)
}
