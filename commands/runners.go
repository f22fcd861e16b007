package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/docker"
)

func runnersCommand() *cli.Command {
	engine := engineFlag("")
	asJSON := &cli.BoolFlag{Name: "json", Usage: "as a JSON array"}
	return &cli.Command{
		Name:  "runners",
		Usage: "add engines for jobs to run on, beside the local one",
		Description: `popsicle run gives jobs to the local engine and to all that were added here;
popsicle run --runner NAME to that one alone. See docs/guide/engines.md.

   popsicle runners add big --host ssh://ci@big.example.com
   popsicle runners check
   popsicle run --runner big`,
		Commands: []*cli.Command{
			{
				Name: "add", Usage: "add an engine, once it answers", ArgsUsage: "NAME",
				Description: `NAME is for you to choose; --host or --context names the engine. A job whose
resource_class is a label of some runners runs on those alone.

   popsicle runners add big --host ssh://ci@big.example.com --label large
   popsicle runners add arm --host tcp://10.0.0.7:2376 --tls-dir ~/.docker/arm
   popsicle runners add vm --context colima`,
				Flags: append(runnerFlags(), engine), OnUsageError: usageError, Action: runnersAdd,
			},
			{
				Name: "list", Usage: "list the engines that were added", Flags: []cli.Flag{asJSON}, OnUsageError: usageError, Action: runnersList,
				Description: "Lists them as they were added, without asking them.\n\n   popsicle runners list\n   popsicle runners list --json",
			},
			{
				Name: "check", Usage: "ask each engine, or one, how it is", ArgsUsage: "[NAME]",
				Description: "Says version, architecture, CPUs, memory and what runs there, of each engine.\n\n   popsicle runners check\n   popsicle runners check big --json\n\nExit codes: 0 all answer, 3 one does not.",
				Flags:       []cli.Flag{engine, asJSON, colorFlag()}, OnUsageError: usageError, Action: runnersCheck,
			},
			{
				Name: "rm", Usage: "give no jobs to an engine any more", ArgsUsage: "NAME", OnUsageError: usageError, Action: runnersRemove,
				Description: "What popsicle keeps there is removed, if the engine answers and nothing runs.\n\n   popsicle runners rm big",
				Flags:       []cli.Flag{engine},
			},
		},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       helpOrUnknown,
	}
}

func runnerFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "host", Usage: "the engine's `ADDRESS`: ssh://USER@HOST, tcp://HOST:PORT or unix:///PATH"},
		&cli.StringFlag{Name: "context", Usage: "the docker context `NAME`, in place of --host"},
		&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "run `N` jobs at once there", DefaultText: "by its CPUs"},
		&cli.StringSliceFlag{Name: "label", Usage: "take the jobs whose resource_class is `LABEL` (again: several)"},
		&cli.StringFlag{Name: "tls-dir", Usage: "`DIR` with ca.pem, cert.pem and key.pem, for tcp://", TakesFile: true},
		&cli.BoolFlag{Name: "unchecked", Usage: "add it although it may not answer"},
	}
}

func runnersAdd(ctx context.Context, c *cli.Command) error {
	r, err := newRunner(c)
	if err != nil {
		return err
	}
	l := &launch{}
	if err := l.openHistory(ctx); err != nil {
		return err
	}
	said := "not asked"
	if !c.Bool("unchecked") {
		info, err := clientOf(r, c.String("engine")).Info(ctx)
		if err != nil {
			return fmt.Errorf("runner %s is not added, for it does not answer: %w\n  --unchecked adds it all the same", r.Name, err)
		}
		r.Arch = info.Arch
		said = fmt.Sprintf("engine %s on %s (%s, %s)", info.Version, info.OS, info.Arch, countOf(info.CPUs, "CPU"))
	}
	if err := l.history.AddRunner(ctx, r); errors.Is(err, db.ErrTaken) {
		return usage("%w: popsicle runners rm NAME, then add it again", err)
	} else if err != nil {
		return err
	}
	if strings.HasPrefix(r.Host, "tcp://") && r.TLSDir == "" {
		fmt.Fprintf(os.Stderr, "popsicle: %s is reached without TLS: whoever reaches that port is root on that machine. Use --tls-dir, or ssh://\n", r.Host)
	}
	_, err = fmt.Fprintf(stdout(c), "added %s, %s: %s\n", r.Name, r.Host, said)
	return err
}

// newRunner is what the flags of runners add describe.
func newRunner(c *cli.Command) (db.Runner, error) {
	r := db.Runner{Name: c.Args().First(), Host: c.String("host"), Labels: c.StringSlice("label"), MaxJobs: c.Int("jobs"), TLSDir: c.String("tls-dir")}
	switch {
	case c.Args().Len() != 1 || !remoteName.MatchString(r.Name):
		return r, usage("runners add takes a name of letters, digits, '.', '_' and '-'\n  popsicle runners add big --host ssh://ci@big.example.com")
	case r.Name == localEngine:
		return r, usage("%s is the engine that docker itself uses: choose another name", localEngine)
	case (r.Host == "") == (c.String("context") == ""):
		return r, usage("runners add takes --host ADDRESS or --context NAME")
	case r.MaxJobs < 0:
		return r, usage("--jobs %d: at least one job must run at a time", r.MaxJobs)
	case slices.ContainsFunc(r.Labels, func(s string) bool { return s == "" || strings.ContainsAny(s, " \t\n") }):
		return r, usage("--label %q: a label is a word", r.Labels)
	case r.Host == "":
		r.Host = contextHost + c.String("context")
	default:
		if err := checkHost(r.Host); err != nil {
			return r, err
		}
	}
	if r.TLSDir == "" {
		return r, nil
	}
	if !strings.HasPrefix(r.Host, "tcp://") {
		return r, usage("--tls-dir is for --host tcp://…")
	}
	var err error
	r.TLSDir, err = keysIn(r.TLSDir)
	return r, err
}

// checkHost says what is wrong with the address of an engine.
func checkHost(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return usage("--host is no address: want ssh://USER@HOST, tcp://HOST:PORT or unix:///PATH")
	}
	_, password := u.User.Password()
	switch {
	case password:
		return usage("--host %s: no password can be given here: ssh takes a key, or its agent", u.Redacted())
	case u.Scheme == "unix" && u.Host == "" && filepath.IsAbs(u.Path),
		u.Scheme == "ssh" && u.Host != "",
		u.Scheme == "tcp" && u.Host != "" && u.Port() != "":
		return nil
	}
	return usage("--host %s: want ssh://USER@HOST, tcp://HOST:PORT or unix:///PATH", text)
}

// keysIn returns the folder's full name, if it holds what TLS needs.
func keysIn(dir string) (string, error) {
	for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return "", usage("--tls-dir %s: want ca.pem, cert.pem and key.pem there: %w", dir, err)
		}
	}
	return filepath.Abs(dir)
}

// A runnerRow is a runner as runners list --json prints it.
type runnerRow struct {
	Name   string     `json:"name"`
	Host   string     `json:"host"`
	Arch   string     `json:"arch,omitempty"`
	Labels []string   `json:"labels"`
	Jobs   int        `json:"jobs"` // 0: by its CPUs
	TLSDir string     `json:"tls_dir,omitempty"`
	Seen   *time.Time `json:"last_job,omitempty"`
}

func runnersList(ctx context.Context, c *cli.Command) error {
	added, err := addedRunners(ctx)
	if err != nil {
		return err
	}
	rows := []runnerRow{}
	for _, r := range added {
		row := runnerRow{Name: r.Name, Host: r.Host, Arch: r.Arch, Labels: append([]string{}, r.Labels...), Jobs: r.MaxJobs, TLSDir: r.TLSDir}
		if !r.Seen.IsZero() {
			row.Seen = &r.Seen
		}
		rows = append(rows, row)
	}
	if c.Bool("json") {
		e := json.NewEncoder(stdout(c))
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(rows)
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(stdout(c), "no runner was added: popsicle runners add NAME --host ssh://USER@HOST")
		return err
	}
	w := tabwriter.NewWriter(stdout(c), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "name\thost\tarch\tjobs\tlabels")
	for _, r := range rows {
		jobs := "by CPUs"
		if r.Jobs > 0 {
			jobs = fmt.Sprint(r.Jobs)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Name, r.Host, r.Arch, jobs, strings.Join(r.Labels, ", "))
	}
	return w.Flush()
}

// addedRunners are the engines that the user has added, none where nothing
// was ever run or added.
func addedRunners(ctx context.Context) ([]db.Runner, error) {
	h, err := openHistory(ctx)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	all, err := h.Runners(ctx)
	return slices.DeleteFunc(all, func(r db.Runner) bool { return r.Name == "" }), err
}

func runnersCheck(ctx context.Context, c *cli.Command) error {
	added, err := addedRunners(ctx)
	if err != nil {
		return err
	}
	if name := c.Args().First(); name != "" {
		added = slices.DeleteFunc(added, func(r db.Runner) bool { return r.Name != name })
		if len(added) == 0 {
			return usage("no runner is named %q: popsicle runners list", name)
		}
	}
	d := &doctor{client: docker.CLI{Bin: c.String("engine")}}
	d.failed = !d.runners(ctx, added)
	return d.report(c)
}

func runnersRemove(ctx context.Context, c *cli.Command) error {
	l, name := &launch{}, c.Args().First()
	if err := l.openHistory(ctx); err != nil {
		return err
	}
	all, err := engines(ctx, l.history, c.String("engine"))
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(e engine) bool { return e.Name != name })
	if len(all) == 0 || name == localEngine {
		return usage("no runner is named %q: popsicle runners list", name)
	}
	g := &collection{history: l.history, home: filepath.Dir(l.history.Path()), out: stdout(c), all: true}
	if err := g.clear(ctx, all); err != nil {
		fmt.Fprintf(os.Stderr, "popsicle: what popsicle keeps there stays, docker volume ls --filter label=%s shows it: %v\n", docker.LabelRun, err)
	}
	return l.history.RemoveRunner(ctx, name)
}

// clear removes all that popsicle keeps on engines, which nothing may be using.
func (g *collection) clear(ctx context.Context, all []engine) error {
	held, _, err := docker.Leases(filepath.Join(g.home, leases))
	if err == nil && len(held) > 0 {
		err = errors.New("runs are going on")
	}
	if err != nil {
		return err
	}
	for _, v := range each(ctx, all, g.visit) {
		for _, text := range v.removed {
			g.say("%s", text)
		}
		err = errors.Join(err, v.err)
	}
	return err
}
