package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/ghstatus"
	"github.com/popsicle-ci/popsicle/gitops"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "tell GitHub how the tree of a commit did, without running it again",
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
	target, err := targetOf(l.snapshot.Head())
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
	r := &ghstatus.Reporter{Target: target, PerJob: c.Bool("per-job"), Put: outbox{l.history}.put}
	if err := replay(ctx, l.history, *p, r); err != nil {
		return err
	}
	fmt.Fprintf(stdout(c), "#%d tested the tree of %.12s: %s\n", p.ID, target.Commit, p.Status)
	return post(ctx, l.history, stdout(c), target)
}

// targetOf is the commit that a run says something of.
func targetOf(head gitops.Head) (ghstatus.Target, error) {
	if head.RemoteURL == "" {
		return ghstatus.Target{}, usage("this checkout has no remote that statuses could go to: git remote add origin https://github.com/OWNER/NAME")
	}
	if head.Commit == "" {
		return ghstatus.Target{}, usage("nothing is committed yet: a status belongs to a commit")
	}
	host, repo, err := ghstatus.ParseRemote(head.RemoteURL)
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

// post posts what is due, and tells what became of it, of target at least.
func post(ctx context.Context, history *db.DB, w io.Writer, target ghstatus.Target) error {
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	var refused error
	sender := ghstatus.Sender{Outbox: outbox{history}, Post: new(ghstatus.Client).Post, Told: func(e ghstatus.Entry, a ghstatus.Answer) {
		if e.Target != target {
			return
		}
		fmt.Fprintln(w, told(e, a))
		if a.Verdict == ghstatus.Refused {
			refused = fmt.Errorf("%s refuses the status %s: %s", e.Host, e.Context, a.Text)
		}
	}}
	_, err := sender.Drain(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		fmt.Fprintf(w, "%s does not answer: what is left is posted later\n", target.Host)
		err = nil
	}
	return errors.Join(err, refused)
}

// told says in a line what became of a status.
func told(e ghstatus.Entry, a ghstatus.Answer) string {
	what := fmt.Sprintf("%s: %s on %s@%.12s", e.Context, e.State, e.Repo, e.Commit)
	switch a.Verdict {
	case ghstatus.Posted:
		return what
	case ghstatus.Unknown:
		return what + " is posted once the commit is pushed: popsicle report"
	case ghstatus.Later:
		return what + " waits: " + a.Text
	}
	return what + " is refused: " + a.Text
}
