package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/server"
)

func daemonCommand() *cli.Command {
	return &cli.Command{
		Name:  "daemon",
		Usage: "run pipelines when something is pushed",
		Description: `Takes webhooks of GitHub, Gitea and Forgejo at /webhook, and runs the pipeline
of each push and pull request of the repositories on its list, as popsicle run
would. Pull requests from forks wait for popsicle approve, and see no secrets.

   popsicle daemon repo add acme/app      take its webhooks
   popsicle daemon secret                 the secret to give to GitHub
   popsicle daemon                        listen on 127.0.0.1:7979
   popsicle daemon --poll 1m              ask the repositories too, behind NAT
   popsicle daemon --listen :443 --tls-cert c.pem --tls-key k.pem --host my.org

On 127.0.0.1 everybody on this machine may read; who writes, or reads from
elsewhere, needs a token: popsicle daemon token create NAME.

SIGTERM lets what runs come to an end for a while, and puts the rest back into
the queue; a second one ends at once. SIGHUP reads the list and the config anew.
docs/daemon.md goes from nothing to a green check.`,
		Flags: slices.Concat(limitFlags(), []cli.Flag{
			&cli.StringFlag{Name: "listen", Usage: "the `ADDRESS` to listen on", Value: "127.0.0.1:7979"},
			&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "run `N` jobs at once, over all pipelines", DefaultText: "as many as the engines take"},
			&cli.StringFlag{Name: "config", Aliases: []string{"c"}, Usage: "read settings from `FILE`", DefaultText: "daemon.yml beside the history, if it is there"},
			&cli.DurationFlag{Name: "poll", Usage: "ask the repositories for news every `INTERVAL`; 0: never"},
			&cli.StringFlag{Name: "statuses", Usage: "post a commit status a `UNIT`: workflow, job or off", DefaultText: statusWorkflow, Validator: statusUnit},
			&cli.StringFlag{Name: "url", Usage: "the `URL` under which others reach this daemon: statuses link to it"},
			&cli.DurationFlag{Name: "grace", Usage: "after SIGTERM, let pipelines run on for `TIME`", Value: time.Minute},
			&cli.StringFlag{Name: "log-format", Usage: "write the log as `FORMAT`: text or json", Value: "text", Validator: logFormat},
			&cli.StringSliceFlag{Name: "forward", Usage: "let gh webhook forward bring the webhooks of `OWNER/NAME` here, unsigned (repeatable)"},
			&cli.BoolFlag{Name: "unsigned", Usage: "take webhooks without a signature, from this machine alone"},
			engineFlag(""),
		}, frontFlags()),
		Commands:     []*cli.Command{daemonRepoCommand(), daemonSecretCommand(), tokenCommand()},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       daemonAction,
	}
}

func logFormat(s string) error {
	if s != "text" && s != "json" {
		return usage("--log-format %s: there are text and json", s)
	}
	return nil
}

func statusUnit(s string) error {
	switch s {
	case statusOff, statusWorkflow, statusJob:
		return nil
	}
	return usage("--statuses %s: there are workflow, job and off", s)
}

func newLog(format string) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, nil))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil))
}

func daemonAction(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return usage("daemon takes no arguments: popsicle daemon --help lists its commands")
	}
	dir, err := home()
	if err != nil {
		return err
	}
	l := &launch{}
	if err := l.openHistory(ctx); err != nil {
		return err
	}
	only, err := alone(dir)
	if err != nil {
		return err
	}
	defer func() { _ = only.Unlock() }() // the kernel does it in any case
	limits, err := newLimits(c)
	if err != nil {
		return err
	}
	d := newDaemon(l.history, dir, newLog(c.String("log-format")))
	d.engine, d.grace, d.configFile, d.limits = c.String("engine"), c.Duration("grace"), c.String("config"), limits
	d.flags = settings{Listen: flagged(c, "listen"), Jobs: c.Int("jobs"), Poll: c.Duration("poll"), Unsigned: c.Bool("unsigned"), front: flaggedFront(c), Statuses: c.String("statuses"), URL: c.String("url")}
	if err := d.reload(ctx); err != nil {
		return err
	}
	s := d.settings()
	listen, err := listenOn(ctx, s, d.history)
	if err != nil {
		return err
	}
	if d.forwards, err = forwards(ctx, c.StringSlice("forward"), s); err != nil {
		return errors.Join(err, listen.Close())
	}
	return d.serve(ctx, listen, s)
}

// flagged is a flag's value where it was given, else "".
func flagged(c *cli.Command, name string) string {
	if c.IsSet(name) {
		return c.String(name)
	}
	return ""
}

// alone makes sure that one daemon works on a history.
func alone(dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, "daemon.lock"), flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err == nil && !ok {
		err = usage("another daemon works on %s already: end it, or choose another place with POPSICLE_HOME", dir)
	}
	return lock, err
}

// serve answers and runs until a signal ends it.
func (d *daemon) serve(ctx context.Context, l net.Listener, s settings) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := d.recoverQueue(ctx); err != nil {
		return errors.Join(err, l.Close())
	}
	stopping, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- d.server(l, s).Serve(stopping, l) }()
	worked := make(chan struct{})
	go func() { defer close(worked); d.work(stopping) }()
	go d.sendStatuses(ctx)
	forwarded := d.forward(stopping, l.Addr().String())
	defer forwarded.Wait()
	defer stop() // before that
	d.log.Info("daemon listens", "address", l.Addr().String(), "jobs", s.atOnce(), "repositories", len(s.Repos), "home", d.home, "version", version())
	var failed error
	for asked := 0; ; {
		select {
		case got := <-signals:
			if got == syscall.SIGHUP {
				if err := d.reload(ctx); err != nil {
					d.log.Error("config not read anew: the old one holds", "error", err)
				}
				continue
			}
			asked++
			d.log.Info("daemon ends", "signal", got.String(), "running", d.busy())
			stop()
			if asked > 1 {
				d.handBack()
				d.hurry()
			}
		case failed = <-served:
			served = nil
			stop()
		case <-worked:
			return failed
		}
	}
}

// atOnce says how many jobs run at once.
func (s settings) atOnce() string {
	switch {
	case s.Jobs > 0:
		return strconv.Itoa(s.Jobs)
	case len(s.engines) == 0:
		return strconv.Itoa(capacity())
	}
	return fmt.Sprintf("%d and what %s takes", capacity(), strings.Join(s.engines, ", "))
}

// server is the daemon over HTTP.
func (d *daemon) server(l net.Listener, s settings) *server.Server {
	// A name that others know leads to others, through a proxy on this machine.
	here := l.Addr().(*net.TCPAddr).IP.IsLoopback() && len(s.Hosts) == 0
	return &server.Server{
		History: d.history, Log: d.log, Version: version(), OpenRead: here, Hosts: s.Hosts, Rate: float64(s.Rate),
		Hooks: &server.Hooks{
			Secrets: d.secrets, Unsigned: s.Unsigned, Repo: d.repo, Queued: d.wakeUp,
			Stale: func(ids []int64, reason string) { d.cancelRunning(ids, reason) },
		},
		Cancel: d.cancel, Approve: d.approve, Launch: d.launchOrder, Rerun: d.rerun,
		Artifact: artifactOpener(d.history),
	}
}

// recoverQueue finds what a daemon that died had taken, ends it in the history
// and on the engine, and puts it back into the queue.
func (d *daemon) recoverQueue(ctx context.Context) error {
	l := d.newLaunch(db.Repo{}, order{engine: d.engine})
	l.reap(ctx)
	again, lost, err := d.history.Requeue(ctx)
	for _, id := range again {
		d.log.Info("pipeline was interrupted: it runs again", "pipeline", id)
	}
	for _, id := range lost {
		d.log.Warn("pipeline was interrupted again: it is given up", "pipeline", id)
		err = errors.Join(err, d.giveUp(ctx, id))
	}
	return err
}
