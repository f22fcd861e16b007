package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/ghstatus"
	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// The ways to say how pipelines went.
const (
	statusOff      = "off"
	statusWorkflow = "workflow" // a commit status a workflow
	statusJob      = "job"
)

// statusPause is what GitHub asks for between two posts.
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
const statusPause = time.Second

// reporter makes the commit statuses of an order; nil: nobody wants them.
func (d *daemon) reporter(o db.Order, r db.Repo) *ghstatus.Reporter {
	s := d.settings()
	host, err := ghstatus.ParseHost(r.URL)
	if s.Statuses == statusOff || err != nil {
		return nil
	}
	report := &ghstatus.Reporter{
		Target: ghstatus.Target{Host: host, Repo: r.Name, Commit: o.Commit}, PerJob: s.Statuses == statusJob,
		Put: func(said ghstatus.Status) error {
			err := outbox{d.history}.put(said)
			d.said()
			return err
		},
	}
	if s.URL != "" {
		report.URL = func(pipeline int64) string {
			return fmt.Sprintf("%s/pipelines/%d", strings.TrimSuffix(s.URL, "/"), pipeline)
		}
	}
	return report
}

// giveUp ends what a pipeline has left pending on its commit and will not say
// any more.
func (d *daemon) giveUp(ctx context.Context, pipeline int64) error {
	said, err := d.history.Statuses(ctx, pipeline)
	for _, s := range said {
		if s.State == string(ghstatus.Pending) {
			s.State, s.Description = string(ghstatus.Error), "interrupted twice: popsicle does not run it again by itself"
			err = errors.Join(err, d.history.PutStatus(ctx, s))
		}
	}
	return err
}

// said makes the sender look into the outbox.
func (d *daemon) said() {
	select {
	case d.news <- struct{}{}:
	default:
	}
}

// sendStatuses posts what is in the outbox, until ctx ends.
func (d *daemon) sendStatuses(ctx context.Context) {
	client := &ghstatus.Client{Base: func(host string) string { return d.settings().api(host) }}
	sender := ghstatus.Sender{Outbox: outbox{d.history}, Post: client.Post, Pause: statusPause, Told: d.statusTold}
	sender.Run(ctx, d.news, func(err error) { d.log.Error("statuses wait", "error", err) })
}

// api is where a host has its API, "" for where GitHub has it. A remote over
// ssh names no port of the API's: the one API of its host it is then.
func (s settings) api(host string) string {
	if known, ok := s.APIs[host]; ok || strings.Contains(host, ":") {
		return known
	}
	found := ""
	for at, known := range s.APIs {
		if name, _, _ := strings.Cut(at, ":"); name == host {
			if found != "" {
				return ""
			}
			found = known
		}
	}
	return found
}

// statusClient posts statuses for a command that is no daemon, where the
// daemon's config says that hosts have their APIs.
func statusClient() (*ghstatus.Client, error) {
	dir, err := home()
	if err != nil {
		return nil, err
	}
	s, err := (&daemon{home: dir}).readConfig()
	return &ghstatus.Client{Base: s.api}, err
}

func (d *daemon) statusTold(e ghstatus.Entry, a ghstatus.Answer) {
	log := d.log.With("pipeline", e.Pipeline, "repo", e.Repo, "commit", e.Commit, "context", e.Context, "state", string(e.State))
	if a.Verdict == ghstatus.Posted {
		log.Info("status posted")
		return
	}
	log.Warn("status not posted", "verdict", string(a.Verdict), "answer", a.Text)
}

// proven is the run of popsicle run that has tested exactly what a push would
// run: the same tree, on the same branch, asked for the same jobs.
func (l *launch) proven(ctx context.Context, o db.Order) *db.Pipeline {
	if o.Event != "push" || o.Pull != nil || len(o.Params) > 0 {
		return nil
	}
	tree, err := l.snapshot.Tree(ctx)
	if err != nil {
		return nil // the run will tell
	}
	p, err := proof(ctx, l.history, tree.Hash, o.Repo, "")
	if err != nil || p == nil {
		return nil
	}
	if !proves(*p, o, l.started(o.Pipeline).Config) {
		return nil
	}
	return p
}

// proves says whether a run of the order's tree, which has ended, makes
// another one of it needless: popsicle run has passed all that config asks for
// on this ref.
func proves(p db.Pipeline, o db.Order, config string) bool {
	return p.Trigger == "cli" && p.Status == event.Success && p.Branch == o.Branch && p.Tag == o.Tag && p.ConfigHash == config
}

// adopt ends a pipeline that another has run already, and says of the commit
// what that one has shown.
func (l *launch) adopt(ctx context.Context, o db.Order, p db.Pipeline, report *ghstatus.Reporter) (event.Status, bool, error) {
	if report != nil {
		report.Ended = true
		if err := replay(ctx, l.history, p, report); err != nil {
			return "", false, err
		}
	}
	return event.Success, false, l.end(ctx, o, event.Success, fmt.Sprintf("#%d has tested this tree: it is not run again", p.ID))
}

// handedBack says whether a run was ended because it goes back into the queue.
func handedBack(ctx context.Context) bool {
	var short *cutShort
	return errors.As(context.Cause(ctx), &short) && short.status == event.Interrupted
}

// runOrAdopt runs a pipeline whose plan is made, unless that is done already.
func (d *daemon) runOrAdopt(ctx context.Context, l *launch, o db.Order, report *ghstatus.Reporter, lease *docker.Lease) (event.Status, bool, error) {
	if report != nil {
		if err := d.begun(ctx, o, report); err != nil {
			d.log.Error("statuses not kept", "pipeline", o.Pipeline, "error", err)
		}
	}
	if p := l.proven(ctx, o); p != nil {
		return l.adopt(ctx, o, *p, report)
	}
	var sinks []event.Sink
	if report != nil {
		report.Again = func() bool { return handedBack(ctx) }
		sinks = append(sinks, report)
	}
	return l.record(ctx, o.Pipeline, lease, sinks)
}
