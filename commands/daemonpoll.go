package commands

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/popsicle-ci/popsicle/server"
)

// poll asks the repositories for branches and tags that moved, where webhooks
// do not come through. The first look at a repository only remembers.
func (d *daemon) poll(ctx context.Context) {
	for {
		every := d.settings().Poll
		if every == 0 {
			every = time.Minute // SIGHUP may switch it on
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		if d.settings().Poll == 0 {
			continue
		}
		for _, r := range d.settings().Repos {
			if err := d.pollOne(ctx, r); err != nil && ctx.Err() == nil {
				d.log.Warn("poll failed", "repo", r.Name, "error", err)
			}
		}
	}
}

// pollOne looks at one repository.
func (d *daemon) pollOne(ctx context.Context, r db.Repo) error {
	if len(r.Events) > 0 && !slices.Contains(r.Events, "push") {
		return nil
	}
	refs, standard, err := d.mirror(r).Refs(ctx)
	if err != nil {
		return err
	}
	moved, err := d.history.Moved(ctx, r.Name, refs)
	if err != nil {
		return err
	}
	for _, ref := range moved {
		branch, isBranch := strings.CutPrefix(ref, "refs/heads/")
		o := db.Order{Repo: r.Name, Trigger: "poll", Event: "push", Ref: ref, Commit: refs[ref], By: "poll"}
		if isBranch {
			o.Branch, o.Moving = branch, branch != standard
		} else {
			o.Tag = strings.TrimPrefix(ref, "refs/tags/")
		}
		message, err := d.mirror(r).Message(ctx, ref, o.Commit)
		if err == nil && server.Skips(message) { // else the pipeline will tell
			d.log.Info("poll found news", "repo", r.Name, "ref", ref, "commit", o.Commit, "outcome", "ignored", "reason", "its commit says [skip ci]")
			continue
		}
		o.Subject, _, _ = strings.Cut(message, "\n")
		id, err := d.enqueue(ctx, o)
		if err != nil {
			return err
		}
		d.log.Info("poll found news", "repo", r.Name, "ref", ref, "commit", o.Commit, "pipeline", id)
	}
	return nil
}

// keepTime starts the workflows that have a schedule, at their minute in UTC,
// on the newest commit of the default branch.
func (d *daemon) keepTime(ctx context.Context) {
	for {
		next := time.Now().Truncate(time.Minute).Add(time.Minute)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next)):
		}
		for _, r := range d.settings().Repos {
			if len(r.Events) > 0 && !slices.Contains(r.Events, "schedule") {
				continue
			}
			if err := d.runScheduled(ctx, r, next.UTC()); err != nil && ctx.Err() == nil {
				d.log.Warn("schedules not read", "repo", r.Name, "error", err)
			}
		}
	}
}

// runScheduled queues what a repository has for this minute.
func (d *daemon) runScheduled(ctx context.Context, r db.Repo, now time.Time) error {
	o, p, err := d.standardPlan(ctx, r, false)
	if err != nil || p == nil || !slices.ContainsFunc(p.Workflows, func(w *plan.Workflow) bool { return due(w, now, o.Branch) }) {
		return err
	}
	if o, p, err = d.standardPlan(ctx, r, true); err != nil { // something is due: now it must be the newest
		return err
	}
	for _, w := range p.Workflows {
		if !due(w, now, o.Branch) {
			continue
		}
		o.Workflow = w.Name
		if _, err := d.enqueue(ctx, o); err != nil {
			return err
		}
	}
	return nil
}
