package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/ghstatus"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/event"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "tell GitHub how the tree of a commit did",
		ArgsUsage: "[REF]",
		Description: `Looks in the history for the latest whole run of exactly the tree that the
commit REF has (HEAD, if none is named), and posts its result as statuses of
that commit, with the credentials of gh. A run of a dirty tree counts, once that
tree is committed: test, commit, push, report.

   popsicle report
   popsicle report HEAD~1

A commit that is not pushed yet is remembered: the next popsicle run --report,
popsicle report or the daemon posts what waits. Exit code 2: no run proves it.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Aliases: []string{"C"}, Usage: "the checkout that holds `DIR`", Value: "."},
			&cli.BoolFlag{Name: "per-job", Usage: "a status a job, instead of one a workflow"},
		},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       reportAction,
	}
}

func reportAction(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() > 1 {
		return usage("report takes one commit, not %d arguments", c.Args().Len())
	}
	l := &launch{order: order{dir: c.String("dir"), source: gitops.Source{Kind: gitops.Commit, Rev: "HEAD"}}}
	if c.Args().Present() {
		l.source.Rev = c.Args().First()
	}
	var err error
	if l.repo, err = gitops.Open(ctx, l.dir); err != nil {
		return err
	}
	if l.snapshot, err = l.repo.Snapshot(ctx, l.source); err != nil {
		return err
	}
	client, err := statusClient()
	if err != nil {
		return err
	}
	target, err := targetOf(l.snapshot.Head(), client)
	if err != nil {
		return err
	}
	if err := l.openHistory(ctx); err != nil {
		return err
	}
	tree, err := l.snapshot.Tree(ctx)
	if err != nil {
		return err
	}
	p, err := proof(ctx, l.history, tree.Hash, l.snapshot.Head().Slug, l.repo.Root)
	if err != nil {
		return err
	}
	if p == nil {
		return usage("no whole run of the tree of %.12s has ended: popsicle run --commit %.12s --report", target.Commit, target.Commit)
	}
	r := &ghstatus.Reporter{Target: target, PerJob: c.Bool("per-job"), Ended: true, Put: outbox{l.history}.put}
	if err := replay(ctx, l.history, *p, r); err != nil {
		return err
	}
	fmt.Fprintf(stdout(c), "#%d tested the tree of %.12s: %s\n", p.ID, target.Commit, p.Status)
	return post(ctx, l.history, client, stdout(c), target, p.ID)
}

// A reporting is the part of a run that tells GitHub; finish posts what there
// is to post. How the run ends does not depend on it.
type reporting struct {
	sinks  []event.Sink
	finish func()
}

// reporting prepares to say of the commit how the run goes, where that is
// wanted.
func (l *launch) reporting(ctx context.Context, wanted bool) (reporting, error) {
	if !wanted {
		return reporting{finish: func() {}}, nil
	}
	if len(l.selection.Jobs) > 0 {
		return reporting{}, usage("--report tells how whole workflows went: name no jobs, or leave --report out")
	}
	client, err := statusClient()
	if err != nil {
		return reporting{}, err
	}
	target, err := targetOf(l.snapshot.Head(), client)
	if err != nil {
		return reporting{}, err
	}
	news := make(chan struct{}, 1)
	r := &ghstatus.Reporter{Target: target, Put: func(s ghstatus.Status) error {
		defer func() {
			select {
			case news <- struct{}{}:
			default:
			}
		}()
		return outbox{l.history}.put(s)
	}}
	sending, stop := context.WithCancel(ctx)
	sent := make(chan struct{})
	go func() { // the first of them while the run goes on
		defer close(sent)
		sender := ghstatus.Sender{Outbox: outbox{l.history}, Post: client.Post}
		sender.Run(sending, news, func(error) {}) // what is broken, finish tells
	}()
	finish := func() {
		stop()
		<-sent
		if !r.Proven() {
			fmt.Fprintf(os.Stderr, "nothing is said of %.12s: it is not what was tested; commit, then popsicle report\n", target.Commit)
			return
		}
		if err := post(context.WithoutCancel(ctx), l.history, client, os.Stderr, target, r.Pipeline()); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return reporting{[]event.Sink{r}, finish}, nil
}

// targetOf is the commit that a run says something of.
func targetOf(head gitops.Head, client *ghstatus.Client) (ghstatus.Target, error) {
	if head.RemoteURL == "" {
		return ghstatus.Target{}, usage("this checkout has no remote that statuses could go to: git remote add origin https://github.com/OWNER/NAME")
	}
	if head.Commit == "" {
		return ghstatus.Target{}, usage("nothing is committed yet: a status belongs to a commit")
	}
	host, repo, err := ghstatus.ParseRemote(head.RemoteURL)
	if at, hostErr := ghstatus.ParseHost(head.RemoteURL); err != nil && hostErr == nil && client.Base(at) != "" && head.Slug != "" {
		host, repo, err = at, head.Slug, nil // its repositories are below a path
	}
	if err != nil {
		return ghstatus.Target{}, usageErr{err}
	}
	return ghstatus.Target{Host: host, Repo: repo, Commit: head.Commit}, nil
}

// proof is the latest run that has ended and says all there is to say about a
// tree of a repository; nil: there is none.
func proof(ctx context.Context, history *db.DB, tree, repo, root string) (*db.Pipeline, error) {
	found, err := history.Pipelines(ctx, db.PipelineFilter{Tree: tree, Limit: 100})
	if err != nil {
		return nil, err
	}
	for _, p := range found {
		ours := p.Root == root && root != "" || repo != "" && p.Repo == repo
		if ours && p.Status.Ended() && !p.Partial && !p.Unstable && decided(p) {
			return &p, nil
		}
	}
	return nil, nil
}

// decided says whether the jobs decided how a pipeline ended, and not a
// signal or a broken engine.
func decided(p db.Pipeline) bool {
	switch ghstatus.StateOf(p.Status) {
	case ghstatus.Success, ghstatus.Failure:
		return true
	}
	return false
}

// postTime is how long a command may take to post, for the rest waits.
const postTime = 20 * time.Second

// post posts what waits of a commit, and tells what became of all that a
// pipeline says of it.
func post(ctx context.Context, history *db.DB, client *ghstatus.Client, w io.Writer, target ghstatus.Target, pipeline int64) error {
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	if err := history.HurryStatuses(ctx, target.Host, target.Repo, target.Commit); err != nil {
		return err
	}
	sender := ghstatus.Sender{Outbox: outbox{history}, Post: client.Post}
	if _, err := sender.Drain(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	said, err := history.Statuses(context.WithoutCancel(ctx), pipeline)
	for _, s := range said {
		fmt.Fprintln(w, told(s))
		if s.Verdict == string(ghstatus.Refused) {
			err = errors.Join(err, fmt.Errorf("%s refuses the status %s: %s", s.Host, s.Context, s.Answer))
		}
	}
	return err
}

// told says in a line what became of a status.
func told(s db.Status) string {
	what := fmt.Sprintf("%s: %s on %s@%.12s", s.Context, s.State, s.Repo, s.Commit)
	switch ghstatus.Verdict(s.Verdict) {
	case ghstatus.Posted:
		return what
	case ghstatus.Unknown:
		return what + " is posted once the commit is pushed: popsicle report"
	case ghstatus.Refused:
		return what + " is refused"
	}
	return what + " waits: " + cmp.Or(s.Answer, s.Host+" does not answer")
}
