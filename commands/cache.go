package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/term"
	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
)

func cacheCommand() *cli.Command {
	return &cli.Command{
		Name:  "cache",
		Usage: "see and remove what save_cache steps kept",
		Description: `What save_cache and persist_to_workspace kept is on this machine. Inside a
checkout these commands are about its repository, elsewhere about all.

   popsicle cache list
   popsicle cache show v1-deps-main
   popsicle cache rm v1-deps-main
   popsicle cache prune --cache-size 2GB`,
		Commands:     []*cli.Command{cacheListCommand(), cacheShowCommand(), cacheRemoveCommand(), cachePruneCommand()},
		Suggest:      true,
		OnUsageError: usageError,
	}
}

func cacheListCommand() *cli.Command {
	return &cli.Command{
		Name: "list", Usage: "list caches, the last used first",
		Description: `Lists the caches of this repository with their sizes and when they were used.

   popsicle cache list
   popsicle cache list --all --json`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "of all repositories"},
			&cli.BoolFlag{Name: "json", Usage: "as a JSON array"},
		},
		Suggest: true, OnUsageError: usageError, Action: cacheListAction,
	}
}

func cacheShowCommand() *cli.Command {
	return &cli.Command{
		Name: "show", Usage: "show one cache", ArgsUsage: "KEY",
		Description: `Shows what a cache holds, which paths, and which job saved it.

   popsicle cache show v1-deps-main`,
		Flags:   []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "as a JSON object"}},
		Suggest: true, OnUsageError: usageError, Action: cacheShowAction,
	}
}

func cacheRemoveCommand() *cli.Command {
	return &cli.Command{
		Name: "rm", Usage: "remove caches, so that their keys can be saved again", ArgsUsage: "KEY…",
		Description: `A key that was saved stays as it is, as CircleCI has it: remove it to save it
anew, or begin its name with another version.

   popsicle cache rm v1-deps-main
   popsicle cache rm --all`,
		Flags:   []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "all caches of this repository; outside of a checkout, of every one"}},
		Suggest: true, OnUsageError: usageError, Action: cacheRemoveAction,
	}
}

func cachePruneCommand() *cli.Command {
	return &cli.Command{
		Name: "prune", Usage: "remove the caches and workspaces beyond the limits",
		Description: `Removes the oldest until the rest fits, and what nobody used for long. Runs do
so by themselves when they end.

   popsicle cache prune --dry-run
   popsicle cache prune --cache-size 2GB --cache-age 3d`,
		Flags:   append(limitFlags(), &cli.BoolFlag{Name: "dry-run", Usage: "only say what would be removed"}),
		Suggest: true, OnUsageError: usageError, Action: cachePruneAction,
	}
}

// projectHere names the project whose caches are meant: that of the checkout
// around, or none.
func projectHere(ctx context.Context) (string, error) {
	root := gitops.Top(".")
	if root == "" {
		return "", nil
	}
	repo, err := gitops.Open(ctx, root)
	if err != nil {
		return "", err
	}
	snapshot, err := repo.Snapshot(ctx, gitops.Source{})
	if err != nil {
		return "", err
	}
	return projectOf(snapshot.Head(), repo.Root), nil
}

func cachesHere(ctx context.Context, history *db.DB, all bool) ([]db.Cache, error) {
	project := ""
	if !all {
		var err error
		if project, err = projectHere(ctx); err != nil {
			return nil, err
		}
	}
	return history.Caches(ctx, project)
}

func cacheListAction(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return usage("cache list takes no argument %q: popsicle cache show %s shows one cache", c.Args().First(), c.Args().First())
	}
	history, err := openHistory(ctx)
	if err != nil {
		return err
	}
	defer history.Close()
	caches, err := cachesHere(ctx, history, c.Bool("all"))
	if err != nil {
		return err
	}
	if c.Bool("json") {
		listed := make([]jsonCache, len(caches))
		for i, one := range caches {
			listed[i] = cacheJSON(one)
		}
		return writeJSON(stdout(c), listed)
	}
	if len(caches) == 0 {
		_, err := io.WriteString(stdout(c), "no cache is kept: a save_cache step keeps one (popsicle cache list --all lists those of other repositories)\n")
		return err
	}
	return cacheTable(stdout(c), caches, time.Now())
}

func cacheTable(w io.Writer, caches []db.Cache, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "key\tfiles\tsize\ton disk\tsaved\tused\tby")
	for _, one := range caches {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t#%d/%s\n", one.Key, one.Files, humanize.Bytes(uint64(one.Bytes)), humanize.Bytes(uint64(one.Stored)),
			term.Age(one.Created, now), term.Age(one.Used, now), one.Pipeline, one.Job)
	}
	return t.Flush()
}

// A jsonCache is a cache as --json prints it.
type jsonCache struct {
	Project  string   `json:"project"`
	Scope    string   `json:"scope,omitempty"`
	Key      string   `json:"key"`
	Paths    []string `json:"paths"`
	Files    int      `json:"files"`
	Bytes    int64    `json:"bytes"`
	Stored   int64    `json:"stored_bytes"`
	Pipeline int64    `json:"pipeline,omitempty"`
	Job      string   `json:"job"`
	Created  string   `json:"created_at"`
	Used     string   `json:"used_at"`
}

func cacheJSON(c db.Cache) jsonCache {
	return jsonCache{
		Project: c.Project, Scope: c.Scope, Key: c.Key, Paths: c.Paths, Files: c.Files, Bytes: c.Bytes, Stored: c.Stored,
		Pipeline: c.Pipeline, Job: c.Job, Created: c.Created.UTC().Format(time.RFC3339), Used: c.Used.UTC().Format(time.RFC3339),
	}
}

func cacheShowAction(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 {
		return usage("cache show takes one KEY: popsicle cache list lists them")
	}
	history, err := openHistory(ctx)
	if err != nil {
		return err
	}
	defer history.Close()
	caches, err := cachesHere(ctx, history, false)
	if err != nil {
		return err
	}
	for _, one := range caches {
		if one.Key != c.Args().First() {
			continue
		}
		if c.Bool("json") {
			return writeJSON(stdout(c), cacheJSON(one))
		}
		fmt.Fprintf(stdout(c), "%s of %s\n%d files, %s (%s on the disk), saved %s by #%d/%s, last used %s\n", one.Key, one.Project, one.Files,
			humanize.Bytes(uint64(one.Bytes)), humanize.Bytes(uint64(one.Stored)), one.Created.Format(time.DateTime), one.Pipeline, one.Job, one.Used.Format(time.DateTime))
		for _, p := range one.Paths {
			fmt.Fprintf(stdout(c), "  %s\n", p)
		}
		return nil
	}
	return noCache(c.Args().First())
}

func noCache(key string) error {
	return usage("no cache has the key %s: popsicle cache list lists them", key)
}

func cacheRemoveAction(ctx context.Context, c *cli.Command) error {
	keys := c.Args().Slice()
	if (len(keys) == 0) != c.Bool("all") {
		return usage("cache rm takes either the KEYs of caches or --all")
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
	caches, err := cachesHere(ctx, history, false)
	if err != nil {
		return err
	}
	var errs error
	for _, key := range keys {
		if !slices.ContainsFunc(caches, func(one db.Cache) bool { return one.Key == key }) {
			errs = errors.Join(errs, noCache(key))
		}
	}
	if errs != nil {
		return errs
	}
	for _, one := range caches {
		if !c.Bool("all") && !slices.Contains(keys, one.Key) {
			continue
		}
		if err := history.DeleteCache(ctx, one.ID); err != nil {
			return err
		}
		fmt.Fprintf(stdout(c), "removed %s\n", one.Key)
	}
	swept, err := openStash(history).Sweep(ctx, history.Blobs(ctx), false)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout(c), "%s are free again\n", humanize.Bytes(uint64(swept.Freed)))
	return err
}

func cachePruneAction(ctx context.Context, c *cli.Command) error {
	l, err := newLimits(c)
	if err != nil {
		return err
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
	e, err := l.evict(ctx, history, c.Bool("dry-run"))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout(c), e.describe(c.Bool("dry-run")))
	return err
}
