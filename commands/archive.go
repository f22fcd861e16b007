package commands

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// An archive is a history that commands show: the one of this machine, or
// one behind the API of a daemon.
type archive interface {
	Pipelines(ctx context.Context, f db.PipelineFilter) ([]db.Pipeline, error)
	Pipeline(ctx context.Context, number int64) (db.Pipeline, error)
	Jobs(ctx context.Context, pipeline int64) ([]db.Job, error)
	Steps(ctx context.Context, job int64) ([]db.Step, error)
	Messages(ctx context.Context, pipeline int64) ([]db.Message, error)
	Lines(ctx context.Context, q db.LogQuery) (db.Page, error)
	Artifacts(ctx context.Context, pipeline int64) iter.Seq2[db.Artifact, error]
	Tests(ctx context.Context, pipeline int64, failed bool) iter.Seq2[db.Test, error]
	TestCounts(ctx context.Context, pipeline int64) (map[event.TestResult]int, error)
	Close() error
}

// openArchive opens the history that --server names, without it that of this
// machine.
func openArchive(ctx context.Context, c *cli.Command) (archive, error) {
	if name := c.String("server"); name != "" {
		return openRemote(name)
	}
	return openHistory(ctx)
}

func serverFlag() cli.Flag {
	return &cli.StringFlag{Name: "server", Usage: "ask the daemon at `URL`, or the remote of that name (popsicle remote add)", Sources: cli.EnvVars("POPSICLE_SERVER")}
}

func cancelCommand() *cli.Command {
	return &cli.Command{
		Name:      "cancel",
		Usage:     "end a pipeline that waits or runs",
		ArgsUsage: "N",
		Description: `Asks whoever runs pipeline N to end it: a popsicle run in another terminal
notices within a second, and so does the daemon.

   popsicle cancel 12
   popsicle cancel 12 --server https://ci.example.com`,
		Flags:        []cli.Flag{serverFlag()},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       cancelAction,
	}
}

func cancelAction(ctx context.Context, c *cli.Command) error {
	number, err := numberArg(c)
	if err != nil {
		return err
	}
	if name := c.String("server"); name != "" {
		r, err := openRemote(name)
		if err != nil {
			return err
		}
		return r.Cancel(ctx, number)
	}
	file, err := historyFile()
	if err != nil {
		return err
	}
	history, err := db.Open(ctx, file)
	if err != nil {
		return err
	}
	err = history.RequestCancel(ctx, number, userName())
	if errors.Is(err, db.ErrEnded) {
		err = usageErr{err}
	}
	return errors.Join(err, history.Close())
}

func numberArg(c *cli.Command) (int64, error) {
	number, err := strconv.ParseInt(strings.TrimPrefix(c.Args().First(), "#"), 10, 64)
	if err != nil || c.Args().Len() != 1 {
		return 0, usage("%s takes the number of one pipeline: popsicle history lists them", c.Name)
	}
	return number, nil
}

// openOne opens the history, or that of a daemon, and finds in it the pipeline
// that the one argument names, or the latest. The caller closes it.
func openOne(ctx context.Context, c *cli.Command) (archive, db.Pipeline, error) {
	if n := c.Args().Len(); n > 1 {
		return nil, db.Pipeline{}, usage("%s takes the number of one pipeline, not %d arguments\n  %s --help says what it takes", c.Name, n, c.FullName())
	}
	history, err := openArchive(ctx, c)
	if err != nil {
		return nil, db.Pipeline{}, err
	}
	p, err := pick(ctx, history, c.Args().First())
	if err != nil {
		return nil, p, errors.Join(err, history.Close())
	}
	return history, p, nil
}
