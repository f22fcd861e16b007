package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
)

// tokenCommand manages who may use the API of the daemon.
func tokenCommand() *cli.Command {
	return &cli.Command{
		Name:  "token",
		Usage: "make, list and remove the keys to the daemon's API",
		Description: `A token is printed once, when it is made; only its hash is kept.

   popsicle daemon token create laptop --scope write --expires 720h
   popsicle daemon token list
   popsicle daemon token rm laptop`,
		Commands: []*cli.Command{
			{
				Name: "create", Usage: "make a token and print it, this once", ArgsUsage: "NAME",
				Description: `Prints the token on standard output, and nothing else. NAME says whose it is.

   popsicle daemon token create laptop
   popsicle daemon token create ci --scope write --expires 720h`,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "scope", Usage: "what it allows, `SCOPE`: read or write", Value: string(db.ScopeRead)},
					&cli.DurationFlag{Name: "expires", Usage: "how long it is good, a `TIME` like 720h", DefaultText: "for ever"},
				},
				OnUsageError: usageError, Action: withHistory(tokenCreate),
			},
			{Name: "list", Usage: "list the tokens, without their secrets", Description: "Lists name, scope, and when each was made, expires and was used last.\n\n   popsicle daemon token list", OnUsageError: usageError, Action: withHistory(tokenList)},
			{Name: "rm", Usage: "make a token worthless", ArgsUsage: "NAME", Description: "The daemon refuses it from now on.\n\n   popsicle daemon token rm laptop", OnUsageError: usageError, Action: withHistory(tokenRemove)},
		},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       helpOrUnknown,
	}
}

// withHistory opens the history to write for the time of an action.
func withHistory(do func(context.Context, *cli.Command, *db.DB) error) cli.ActionFunc {
	return func(ctx context.Context, c *cli.Command) error {
		file, err := historyFile()
		if err != nil {
			return err
		}
		history, err := db.Open(ctx, file)
		if err != nil {
			return err
		}
		return errors.Join(do(ctx, c, history), history.Close())
	}
}

func tokenCreate(ctx context.Context, c *cli.Command, history *db.DB) error {
	name, scope := c.Args().First(), db.Scope(c.String("scope"))
	switch {
	case c.Args().Len() != 1 || !remoteName.MatchString(name):
		return usage("token create takes one name, of letters, digits, dots and dashes\n  popsicle daemon token create laptop")
	case scope != db.ScopeRead && scope != db.ScopeWrite:
		return usage("--scope %s: there are read and write", scope)
	case c.IsSet("expires") && c.Duration("expires") <= 0:
		return usage("--expires %s: want a time to come, like 720h", c.Duration("expires"))
	}
	var expires time.Time
	if d := c.Duration("expires"); d > 0 {
		expires = time.Now().Add(d)
	}
	secret, err := history.NewToken(ctx, name, scope, expires)
	if errors.Is(err, db.ErrTaken) {
		return usage("%w\n  popsicle daemon token rm %s removes it", err, name)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout(c), secret)
	return err
}

func tokenList(ctx context.Context, c *cli.Command, history *db.DB) error {
	tokens, err := history.Tokens(ctx)
	if err != nil {
		return err
	}
	if len(tokens) == 0 {
		_, err := fmt.Fprintln(c.Root().ErrWriter, "there are no tokens: popsicle daemon token create NAME")
		return err
	}
	day := func(t time.Time, none string) string {
		if t.IsZero() {
			return none
		}
		return t.UTC().Format(time.RFC3339)
	}
	for _, t := range tokens {
		if _, err := fmt.Fprintf(stdout(c), "%s\t%s\t%s\t%s\t%s\n", t.Name, t.Scope, day(t.Created, ""), day(t.Expires, "never"), day(t.Used, "unused")); err != nil {
			return err
		}
	}
	return nil
}

func tokenRemove(ctx context.Context, c *cli.Command, history *db.DB) error {
	if c.Args().Len() != 1 {
		return usage("token rm takes one name: popsicle daemon token list")
	}
	return history.RemoveToken(ctx, c.Args().First())
}
