package commands

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
)

func daemonRepoCommand() *cli.Command {
	return &cli.Command{
		Name:  "repo",
		Usage: "say which repositories the daemon works for",
		Description: `Webhooks of other repositories are refused. A daemon that runs takes the change
when it gets SIGHUP.

   popsicle daemon repo add acme/app
   popsicle daemon repo add acme/app --url ssh://git@git.my.org/acme/app.git
   popsicle daemon repo add acme/app --event push --context deploy
   popsicle daemon repo list
   popsicle daemon repo rm acme/app`,
		Commands: []*cli.Command{
			{
				Name: "add", Usage: "take the webhooks of a repository, or change what it may", ArgsUsage: "OWNER/NAME",
				Description: `What was said before of a repository that is on the list is replaced. Its jobs
see no contexts but those that are named.

   popsicle daemon repo add acme/app --context deploy
   popsicle daemon repo add acme/app --event push --event pull_request`,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "url", Usage: "fetch it from `URL`", DefaultText: "https://github.com/OWNER/NAME"},
					&cli.StringSliceFlag{Name: "event", Usage: "run pipelines for `EVENT`: push, pull_request, schedule", DefaultText: "all"},
					&cli.StringSliceFlag{Name: "context", Usage: "let its jobs use the context `NAME`"},
				},
				Suggest: true, OnUsageError: usageError, Action: repoAddAction,
			},
			{Name: "list", Usage: "list the repositories that the daemon works for", Description: "Lists name, address, events and contexts of each.\n\n   popsicle daemon repo list", Suggest: true, OnUsageError: usageError, Action: repoListAction},
			{Name: "rm", Usage: "take no more webhooks of a repository", ArgsUsage: "OWNER/NAME", Description: "What ran of it stays in the history.\n\n   popsicle daemon repo rm acme/app", Suggest: true, OnUsageError: usageError, Action: repoRmAction},
		},
		Suggest: true, OnUsageError: usageError, Action: helpOrUnknown,
	}
}

// theRepo is the one repository that a command names.
func theRepo(c *cli.Command) (string, error) {
	name := c.Args().First()
	if c.Args().Len() != 1 || !repoName.MatchString(name) {
		return "", usage("name one repository: popsicle daemon repo %s OWNER/NAME", c.Name)
	}
	return name, nil
}

func repoAddAction(ctx context.Context, c *cli.Command) error {
	name, err := theRepo(c)
	if err != nil {
		return err
	}
	r := db.Repo{Name: name, URL: c.String("url"), Events: c.StringSlice("event"), Contexts: c.StringSlice("context")}
	if r.URL == "" {
		r.URL = "https://github.com/" + name
	}
	if err := gitops.ValidURL(r.URL); err != nil {
		return usage("--url: %w", err)
	}
	for _, event := range r.Events {
		if !slices.Contains(knownEvents, event) {
			return usage("--event %s: there are %s", event, strings.Join(knownEvents, ", "))
		}
	}
	l := &launch{}
	if err := l.openHistory(ctx); err != nil {
		return err
	}
	return l.history.PutRepo(ctx, r)
}

func repoListAction(ctx context.Context, c *cli.Command) error {
	history, err := openHistory(ctx)
	if err != nil {
		return err
	}
	defer history.Close()
	all, err := history.Repos(ctx)
	if len(all) == 0 && err == nil {
		_, err = fmt.Fprintln(c.Root().ErrWriter, "no repository is on the list: popsicle daemon repo add OWNER/NAME")
	}
	for _, r := range all {
		events, contexts := "all events", ""
		if len(r.Events) > 0 {
			events = strings.Join(r.Events, ", ")
		}
		if len(r.Contexts) > 0 {
			contexts = "  contexts: " + strings.Join(r.Contexts, ", ")
		}
		fmt.Fprintf(stdout(c), "%s  %s  %s%s\n", r.Name, r.URL, events, contexts)
	}
	return err
}

func repoRmAction(ctx context.Context, c *cli.Command) error {
	name, err := theRepo(c)
	if err != nil {
		return err
	}
	l := &launch{}
	if err := l.openHistory(ctx); err != nil {
		return err
	}
	return l.history.DeleteRepo(ctx, name)
}

func daemonSecretCommand() *cli.Command {
	return &cli.Command{
		Name:  "secret",
		Usage: "print the secret that webhooks are signed with",
		Description: `Makes the secret the first time, in a file that only you can read. Give it to
the webhook of each repository. POPSICLE_WEBHOOK_SECRET comes first where it is
set.

   popsicle daemon secret
   popsicle daemon secret --new      another one; the old one is taken, too
   popsicle daemon secret --drop     forget all but the newest`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "new", Usage: "make a new secret, beside the old ones"},
			&cli.BoolFlag{Name: "drop", Usage: "forget all but the newest"},
		},
		Suggest: true, OnUsageError: usageError, Action: secretAction,
	}
}

func secretAction(_ context.Context, c *cli.Command) error {
	dir, err := home()
	if err != nil {
		return err
	}
	all, err := fileSecrets(dir)
	if err != nil {
		return err
	}
	if c.Bool("new") || len(all) == 0 {
		all = slices.Insert(all, 0, []byte(rand.Text()+rand.Text()))
	}
	if c.Bool("drop") {
		all = all[:1]
	}
	var text strings.Builder
	for _, secret := range all {
		text.Write(append(secret, '\n'))
	}
	if err := writeSecrets(dir, text.String()); err != nil {
		return err
	}
	fmt.Fprintln(stdout(c), string(all[0]))
	return nil
}

// secretFile is where the secrets are, one a line, the newest first.
func secretFile(dir string) string { return filepath.Join(dir, "webhook-secret") }

func writeSecrets(dir, text string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "webhook-secret-*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close(), os.Rename(f.Name(), secretFile(dir)))
}

// readSecrets are the secrets of which one must have signed a webhook.
func readSecrets(dir string) ([][]byte, error) {
	all, err := fileSecrets(dir)
	if given := os.Getenv("POPSICLE_WEBHOOK_SECRET"); given != "" {
		all = slices.Insert(all, 0, []byte(given))
	}
	return all, err
}

func fileSecrets(dir string) (all [][]byte, err error) {
	file := secretFile(dir)
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	stat, known := info.Sys().(*syscall.Stat_t)
	if info.Mode().Perm()&0o077 != 0 || known && int(stat.Uid) != os.Getuid() {
		return nil, usage("others can read %s: chmod 600 it, and make another secret with popsicle daemon secret --new", file)
	}
	text, err := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, []byte(line))
		}
	}
	return all, err
}
