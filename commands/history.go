package commands

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/term"
	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
)

func historyCommand() *cli.Command {
	return &cli.Command{
		Name:  "history",
		Usage: "list the pipelines that ran, newest first",
		Description: `Inside a checkout lists the pipelines of this repository, elsewhere all.

   popsicle history --status failed --limit 5
   popsicle history --all --json`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "branch", Usage: "only those of the branch `NAME`"},
			&cli.StringFlag{Name: "status", Usage: "only those that are `STATUS`: success, failed, canceled, running, …"},
			&cli.IntFlag{Name: "limit", Aliases: []string{"n"}, Usage: "at most `N` pipelines, 0 for all", Value: 20},
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "of all repositories"},
			&cli.BoolFlag{Name: "json", Usage: "as a JSON array"},
			serverFlag(),
			colorFlag(),
		},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       historyAction,
	}
}

// statuses are those a pipeline can have.
var statuses = []event.Status{
	event.Queued, event.Running, event.OnHold, event.Success, event.Failed, event.Canceled, event.InfrastructureFail, event.Interrupted,
}

func historyAction(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return usage("history takes no argument %q: popsicle show %s shows one pipeline", c.Args().First(), c.Args().First())
	}
	f := db.PipelineFilter{Branch: c.String("branch"), Status: event.Status(c.String("status")), Limit: c.Int("limit")}
	if err := known(f.Status); err != nil {
		return err
	}
	if !c.Bool("all") {
		f.Root = gitops.Top(".")
		if c.String("server") != "" {
			f.Repo = slugHere(ctx)
		}
	}
	history, err := openArchive(ctx, c)
	if err != nil {
		return err
	}
	defer history.Close()
	found, err := ofRepository(ctx, history, f)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return writeJSON(stdout(c), pipelinesJSON(found))
	}
	if len(found) == 0 {
		return nothingYet(stdout(c), f)
	}
	rows := make([]term.PipelineRow, len(found))
	for i, p := range found {
		rows[i] = pipelineRow(p)
	}
	return term.History(stdout(c), rows, newTheme(c, os.Stdout), time.Now())
}

// ofRepository lists the pipelines of a checkout, and with them those that a
// daemon or another clone ran of the same repository.
func ofRepository(ctx context.Context, history archive, f db.PipelineFilter) ([]db.Pipeline, error) {
	found, err := history.Pipelines(ctx, f)
	if err != nil || f.Root == "" || f.Repo != "" {
		return found, err
	}
	if len(found) > 0 {
		f.Repo = found[0].Repo
	} else {
		f.Repo = slugHere(ctx)
	}
	if !strings.Contains(f.Repo, "/") {
		return found, nil // it has no remote: the name is that of a folder
	}
	root := f.Root
	f.Root = ""
	others, err := history.Pipelines(ctx, f)
	others = slices.DeleteFunc(others, func(p db.Pipeline) bool { return p.Root == root })
	found = append(found, others...)
	slices.SortFunc(found, func(a, b db.Pipeline) int { return cmp.Compare(b.ID, a.ID) })
	if f.Limit > 0 {
		found = found[:min(f.Limit, len(found))]
	}
	return found, err
}

func known(s event.Status) error {
	var names []string
	for _, k := range statuses {
		if s == k || s == "" {
			return nil
		}
		names = append(names, string(k))
	}
	return usage("--status %s: a pipeline is one of %s", s, strings.Join(names, ", "))
}

func nothingYet(w io.Writer, f db.PipelineFilter) error {
	text := "no pipeline has run yet: popsicle run\n"
	if f.Root != "" {
		text = "no pipeline has run yet in this checkout: popsicle run (popsicle history --all lists those of others)\n"
	}
	if f.Branch != "" || f.Status != "" || f.Repo != "" {
		text = "no pipeline matches: popsicle history --all lists every one\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

func pipelineRow(p db.Pipeline) term.PipelineRow {
	row := term.PipelineRow{
		Number: p.ID, Status: p.Status, Reason: p.Reason, Repo: p.Repo, Branch: p.Branch, Commit: p.Commit,
		Subject: p.Subject, Dirty: p.Dirty, Started: p.Start, Ended: p.End, Jobs: p.Jobs,
	}
	if row.Branch == "" {
		row.Branch = p.Tag
	}
	return row
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// pick returns the pipeline that a command's argument names, "12" or "#12"
// ("12/build" names a job too): without one the latest, of this checkout if
// there is any.
func pick(ctx context.Context, history archive, arg string) (db.Pipeline, error) {
	if arg == "" {
		return latest(ctx, history)
	}
	id, err := strconv.ParseInt(strings.TrimPrefix(arg, "#"), 10, 64)
	if err != nil {
		return db.Pipeline{}, usage("%q is not the number of a pipeline: popsicle history lists them", arg)
	}
	p, err := history.Pipeline(ctx, id)
	if errors.Is(err, db.ErrNotFound) {
		err = fmt.Errorf("%w: popsicle history lists what there is", err)
	}
	return p, err
}

// slugHere is the owner/name of this checkout's repository, by which a daemon
// knows it; empty where it is none, or has no remote.
func slugHere(ctx context.Context) string {
	repo, err := gitops.Open(ctx, ".")
	if err != nil {
		return ""
	}
	s, err := repo.Snapshot(ctx, gitops.Source{})
	if err != nil {
		return ""
	}
	return s.Head().Slug
}

// newest is the pipeline to follow: the latest, where one that is just
// beginning counts, of which the history does not know the checkout yet.
func newest(ctx context.Context, history archive) (db.Pipeline, error) {
	for {
		all, err := history.Pipelines(ctx, db.PipelineFilter{Limit: 1})
		if err != nil {
			return db.Pipeline{}, err
		}
		if len(all) == 0 || all[0].Repo != "" || all[0].Status.Ended() || !docker.LeaseHeld(all[0].Lease) {
			return latest(ctx, history)
		}
		select {
		case <-ctx.Done():
			return db.Pipeline{}, ctx.Err()
		case <-time.After(followWait):
		}
	}
}

func latest(ctx context.Context, history archive) (db.Pipeline, error) {
	here := []db.PipelineFilter{{Root: gitops.Top("."), Limit: 1}, {Limit: 1}}
	if _, there := history.(*remote); there {
		here[0].Repo = slugHere(ctx)
	}
	for _, f := range here {
		found, err := history.Pipelines(ctx, f)
		if err != nil {
			return db.Pipeline{}, err
		}
		if len(found) > 0 {
			return found[0], nil
		}
	}
	return db.Pipeline{}, usage("no pipeline has run yet: popsicle run")
}
