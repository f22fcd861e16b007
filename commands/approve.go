package commands

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"
)

func approveCommand() *cli.Command {
	return &cli.Command{
		Name:      "approve",
		Usage:     "let the daemon run a pipeline of a fork",
		ArgsUsage: "N",
		Description: `A pull request from another repository waits until you have looked at it: it may
hold any program. Approved is the one commit that pipeline N is of; what is pushed
to the pull request after it waits again. Its jobs see no secrets in any case.

   popsicle history
   popsicle approve 12`,
		Suggest:      true,
		OnUsageError: usageError,
		Action:       approveAction,
	}
}

func approveAction(ctx context.Context, c *cli.Command) error {
	number, err := strconv.ParseInt(strings.TrimPrefix(c.Args().First(), "#"), 10, 64)
	if err != nil || c.Args().Len() != 1 {
		return usage("approve takes the number of one pipeline: popsicle history shows those on hold")
	}
	l := &launch{}
	if err := l.openHistory(ctx); err != nil {
		return err
	}
	o, err := l.history.Order(ctx, number)
	if err != nil {
		return err
	}
	if err := l.history.Approve(ctx, number, userName()); err != nil {
		return usageErr{err}
	}
	fmt.Fprintf(stdout(c), "#%d is approved: %s of %s runs next\n", number, o.Commit[:min(12, len(o.Commit))], o.Repo)
	return nil
}
