package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/popsicle-ci/popsicle/server"
)

// newLaunch is a launch in the daemon: the same engines, over the same history,
// with the places that all share.
func (d *daemon) newLaunch(r db.Repo, o order) *launch {
	o.repoName = r.Name
	return &launch{order: o, now: d.urgent, history: d.history, dock: d.dock}
}

// orderOf says of a queued order what popsicle run is told by flags.
func (d *daemon) orderOf(q db.Order, r db.Repo) order {
	o := order{
		source: gitops.Source{Kind: gitops.Commit, Rev: q.Commit}, branch: q.Branch, tag: q.Tag, params: q.Params,
		parallel: cmp.Or(d.settings().Jobs, capacity()), hold: true, pull: runner.PullMissing, engine: d.engine, limits: d.limits, trigger: q.Trigger, scheduled: q.Workflow,
		untrusted: q.Pull != nil && q.Pull.Fork, confined: unapproved(q), dir: d.mirror(r).Dir,
		mayUse: func(context string) bool { return slices.Contains(r.Contexts, context) },
	}
	o.triggerVals = triggerValues(q)
	if q.Pull != nil {
		o.triggerVars = pullVars(*q.Pull)
	}
	return o
}

// triggerValues are the pipeline values that tell what started a pipeline.
// https://circleci.com/docs/reference/variables/#pipeline-values
func triggerValues(q db.Order) map[string]any {
	v := map[string]any{"pipeline.trigger_source": q.Trigger, "pipeline.trigger.type": q.Trigger, "pipeline.event.name": q.Event}
	switch q.Event {
	case "schedule":
		v["pipeline.trigger_source"] = "scheduled_pipeline"
		v["pipeline.schedule.name"] = q.Workflow
	case "api":
		v["pipeline.trigger_source"] = "api"
	}
	if q.Action != "" {
		v["pipeline.event.action"] = q.Action
	}
	if p := q.Pull; p != nil {
		maps.Copy(v, map[string]any{
			"pipeline.event.github.pull_request.number": int64(p.Number), "pipeline.event.github.pull_request.title": p.Title,
			"pipeline.event.github.pull_request.base.ref": p.Base, "pipeline.event.github.pull_request.head.ref": p.Head,
			"pipeline.event.github.pull_request.draft": p.Draft,
		})
	}
	return v
}

// pullVars are the variables that jobs of a pull request get.
// https://circleci.com/docs/reference/variables/#built-in-environment-variables
func pullVars(p db.Pull) []plan.Var {
	vars := []plan.Var{{Name: "CIRCLE_PULL_REQUEST", Value: p.URL}, {Name: "CIRCLE_PULL_REQUESTS", Value: p.URL}}
	if p.Fork {
		vars = append(vars, plan.Var{Name: "CIRCLE_PR_NUMBER", Value: strconv.Itoa(p.Number)},
			plan.Var{Name: "CIRCLE_PR_USERNAME", Value: p.Owner}, plan.Var{Name: "CIRCLE_PR_REPONAME", Value: p.Name})
	}
	return vars
}

// A nothingToRun is no failure: the commit has no pipeline, or it has no job
// for this branch.
type nothingToRun struct{ error }

func (n *nothingToRun) Unwrap() error { return n.error }

// openMirror reads the commit of an order from its mirror and makes the plan.
func (l *launch) openMirror(ctx context.Context, o db.Order) error {
	if err := l.openCheckout(ctx); err != nil {
		return err
	}
	whole, err := l.compile(ctx, o.Pipeline)
	if err != nil {
		return err
	}
	if l.plan, err = l.choose(whole); err != nil {
		return err
	}
	if len(whole.Workflows) == 0 || !slices.ContainsFunc(l.plan.Workflows, func(w *plan.Workflow) bool { return len(w.Jobs) > 0 }) {
		return &nothingToRun{fmt.Errorf("no job is for this ref%s", whySkipped(l.plan))}
	}
	if err := runnable(l.plan); err != nil {
		return err
	}
	return l.unlock(ctx)
}

// gitToken is the token for a host, as gh takes it from the environment; else
// git's credential helpers are asked, gh among them.
// https://cli.github.com/manual/gh_help_environment
func gitToken(host string) string {
	names := []string{"GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"}
	if host == "github.com" {
		names = []string{"GH_TOKEN", "GITHUB_TOKEN"}
	}
	for _, name := range names {
		if token := os.Getenv(name); token != "" && (host == "github.com" || host == os.Getenv("GH_HOST")) {
			return token
		}
	}
	return ""
}

// launchOrder queues the pipeline that somebody asks for by name.
func (d *daemon) launchOrder(ctx context.Context, asked server.Order) (int64, error) {
	r, known := d.repo(asked.Repo)
	if !known {
		return 0, &server.Problem{Status: 422, Detail: asked.Repo + " is not on the list: popsicle daemon repo add " + asked.Repo}
	}
	refs, _, err := d.mirror(r).Refs(ctx)
	if err != nil {
		return 0, err
	}
	o := db.Order{Repo: r.Name, Trigger: "api", Event: "api", By: asked.By}
	switch branch, tag := refs["refs/heads/"+asked.Ref], refs["refs/tags/"+asked.Ref]; {
	case branch != "":
		o.Ref, o.Branch, o.Commit = "refs/heads/"+asked.Ref, asked.Ref, branch
	case tag != "":
		o.Ref, o.Tag, o.Commit = "refs/tags/"+asked.Ref, asked.Ref, tag
	case objectName.MatchString(asked.Ref):
		// Its branch must have it: a server gives out the commits of forks too.
		if o.Branch, err = d.mirror(r).BranchOf(ctx, asked.Ref); errors.Is(err, gitops.ErrNoCommit) {
			return 0, &server.Problem{Status: 422, Detail: fmt.Sprintf("no branch of %s has the commit %s: a pull request from a fork runs by its webhook", r.Name, asked.Ref)}
		}
		if err != nil {
			return 0, err
		}
		o.Ref, o.Commit = "refs/heads/"+o.Branch, asked.Ref
	default:
		return 0, &server.Problem{Status: 422, Detail: fmt.Sprintf("%s has no branch, no tag and no full name of a commit %q", r.Name, asked.Ref)}
	}
	return d.enqueue(ctx, o)
}

// objectName is a full name of a commit, in SHA-1 or SHA-256.
var objectName = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

func (d *daemon) enqueue(ctx context.Context, o db.Order) (int64, error) {
	id, err := d.history.Enqueue(ctx, o)
	if err == nil {
		d.wakeUp()
	}
	return id, err
}

// unapproved says whether an order is a stranger's, and nobody has approved it.
func unapproved(o db.Order) bool { return o.Pull != nil && o.Pull.Fork && !o.Approved }

// rerun queues a pipeline of the daemon once more, on the same commit. One of
// a fork waits for its approval again, unless it had it.
func (d *daemon) rerun(ctx context.Context, again server.Rerun) (int64, error) {
	o, err := d.history.Order(ctx, again.Pipeline)
	if err != nil {
		return 0, err
	}
	o.Reuse = 0
	if again.FailedOnly {
		if err := d.failedOnly(ctx, again.Pipeline); err != nil {
			return 0, err
		}
		o.Reuse = again.Pipeline
	}
	o.By, o.Moving, o.Crashes, o.Hold = again.By, false, 0, unapproved(o)
	return d.enqueue(ctx, o)
}

// failedOnly says why nothing of a pipeline could be taken over, if so.
func (d *daemon) failedOnly(ctx context.Context, pipeline int64) error {
	p, err := d.history.Pipeline(ctx, pipeline)
	switch {
	case err != nil:
		return err
	case !p.Status.Ended():
		return &server.Problem{Status: http.StatusConflict, Detail: fmt.Sprintf("pipeline #%d is still %s: what failed in it is known at its end", p.ID, p.Status)}
	case p.Status == event.Success:
		return &server.Problem{Status: http.StatusConflict, Detail: fmt.Sprintf("pipeline #%d passed: nothing of it is left to run again", p.ID)}
	}
	return nil
}

// takeOver makes a launch leave out what passed in the pipeline that an order
// runs again. Where the history has that pipeline no more, all of it is run.
func (l *launch) takeOver(ctx context.Context, o db.Order) error {
	if o.Reuse == 0 {
		return nil
	}
	p, err := l.history.Pipeline(ctx, o.Reuse)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	l.again = &again{of: p, failed: true, keeper: keeper{DB: l.history}}
	return l.again.compare(ctx, l.checkout)
}
