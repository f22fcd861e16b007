// Package commands is the command line, and the one place where all parts of
// popsicle meet. launch.go follows one run from end to end: start there.
package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/hashicorp/go-multierror"
	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// The exit codes of every command.
const (
	exitPassed      = 0
	exitFailed      = 1   // a job failed
	exitUsage       = 2   // wrong usage or an invalid config: nothing was started
	exitBroken      = 3   // docker, git, the disk or popsicle itself could not do its part
	exitInterrupted = 130 // as a shell says it of SIGINT
)

// Main runs the command line, args[0] being the program's name, and returns
// its exit code. Nothing else maps errors to exit codes.
func Main(args []string) int {
	r := root()
	err := foreign(r, args)
	if err == nil {
		err = r.Run(context.Background(), args)
	}
	code := exitCode(err)
	var ended endedError
	var told toldError
	if err != nil && !errors.As(err, &ended) && !errors.As(err, &told) {
		fmt.Fprintln(os.Stderr, "popsicle: "+err.Error()+roomHint(err))
	}
	return code
}

// roomHint is what to do about a file that found no room on its disk, where
// the error does not say it.
func roomHint(err error) string {
	if errors.Is(err, syscall.ENOSPC) && !strings.Contains(err.Error(), "popsicle gc") {
		return ": the disk of that file is full: popsicle gc removes what popsicle keeps, POPSICLE_HOME chooses another place"
	}
	return ""
}

func root() *cli.Command {
	return settle(&cli.Command{
		Name:  "popsicle",
		Usage: "run your CI before the push",
		Description: `Popsicle runs the pipeline of .popsicle/*.yml, or of .circleci/config.yml,
in containers on this machine, and keeps a history of every run.

   popsicle init         write a first config
   popsicle run          run it
   popsicle logs --failed`,
		Version: version(),
		Commands: slices.Concat(
			category("Run", runCommand(), rerunCommand(), cancelCommand(), approveCommand(), shellCommand()),
			category("Look at what ran", historyCommand(), showCommand(), logsCommand(), artifactsCommand(), testsCommand(), reportCommand()),
			category("Configs", initCommand(), configCommand(), orbCommand()),
			category("What jobs use", contextCommand(), envCommand(), cacheCommand(), runnersCommand()),
			category("Daemon", daemonCommand(), remoteCommand()),
			category("Popsicle itself", doctorCommand(), gcCommand(), completionCommand(), versionCommand(), helpCommand(), completeCommand()),
		),
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(context.Context, *cli.Command, error) {}, // Main maps errors to exit codes
	})
}

// category puts commands under a heading of the help.
func category(name string, all ...*cli.Command) []*cli.Command {
	for _, c := range all {
		c.Category = name
	}
	return all
}

// Tree is the whole command line, with the parents of its commands, for who
// writes it down: docs/cli.md, man pages, tests.
func Tree() *cli.Command {
	r := root()
	r.Writer = io.Discard
	_ = r.Run(context.Background(), []string{r.Name, "--version"}) // sets it up; there is nothing that could fail
	return r
}

// A usageErr is a mistake on the command line or in a config.
type usageErr struct{ error }

func (e usageErr) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return usageErr{fmt.Errorf(format, args...)} }

// An endedError is a run that has told everything itself: only its status is
// left to become an exit code.
type endedError event.Status

func (e endedError) Error() string { return "the pipeline ended as " + string(e) }

// A toldError is a failure that the command has told itself: only the exit
// code is left.
type toldError int

func (e toldError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func exitCode(err error) int {
	var ended endedError
	var told toldError
	var wrong usageErr
	var mistakes *multierror.Error
	switch {
	case err == nil:
		return exitPassed
	case errors.As(err, &ended):
		return ended.code()
	case errors.As(err, &told):
		return int(told)
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &wrong), errors.As(err, &mistakes), errors.Is(err, db.ErrNotFound), errors.Is(err, gitops.ErrNotRepository), errors.Is(err, gitops.ErrNoCommit):
		return exitUsage
	}
	return exitBroken
}

func (e endedError) code() int {
	switch event.Status(e) {
	case event.Success:
		return exitPassed
	case event.Canceled:
		return exitInterrupted
	case event.InfrastructureFail, event.Interrupted:
		return exitBroken
	}
	return exitFailed
}

// stdout is where results go.
func stdout(c *cli.Command) io.Writer { return c.Root().Writer }
