package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A Bench is one time of measuring.
type Bench struct {
	Popsicle string // path of the program
	Dir      string // where the repositories are
	Rounds   int
	Peers    bool
	Out      io.Writer
}

// A Work is something to be done, and the ways of doing it.
type Work struct {
	Name, About string
	Most        int  // rounds at most, for works that take long; 0: no limit
	Long        bool // it takes minutes: measured by name alone
	Cases       []Case
}

// A Case is one way of doing a work.
type Case struct {
	Label string
	Dir   string // where Command runs
	// Command is sh text: what a reader can type to see the same.
	Command string
	// Floor says that the others are compared with this one; the fastest of
	// several counts.
	Floor bool
	// The bars, where they are not 0: at most so many times the floor, so
	// long, and so much memory.
	Bar    float64
	Within time.Duration
	MaxMB  int
	// Before prepares each time, outside the measurement.
	Before func(ctx context.Context) error
	// Check looks at the end of what the command printed.
	Check func(end string) error
	// Measure, where it is set, is done instead of running Command, and
	// returns what was measured and a word about it.
	Measure func(ctx context.Context) (Sample, error)
}

// Run measures the works that are wanted, and prints a table for each.
func (b *Bench) Run(ctx context.Context, wanted func(Work) bool) (err error) {
	bases, err := volumes(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.cleanUp(context.WithoutCancel(ctx), bases)) }()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	for _, w := range slices.Concat(b.works(), b.keepWorks()) {
		if !wanted(w) {
			continue
		}
		samples, err := b.measure(ctx, w)
		if err != nil {
			return fmt.Errorf("%s: %w", w.Name, err)
		}
		printTable(b.Out, w, samples)
	}
	return nil
}

// makeAll makes the repositories and the history that are measured with.
func (b *Bench) makeAll(ctx context.Context) error {
	if err := makeRepos(ctx, b.Dir); err != nil {
		return err
	}
	return writeHistory(ctx, b.longHistory())
}

// prepare has all made that is measured with, and says on what machine.
func (b *Bench) prepare(ctx context.Context) error {
	if _, err := os.Stat(b.Popsicle); err != nil {
		return fmt.Errorf("%w (build it with `make build`)", err)
	}
	// In a process of its own: the memory of a command that this one starts
	// would otherwise count from what this one once held.
	self, err := os.Executable()
	if err != nil {
		return err
	}
	maker := exec.CommandContext(ctx, self, "-prepare", "-dir", b.Dir)
	maker.Stderr = os.Stderr
	if err := maker.Run(); err != nil {
		return fmt.Errorf("making repositories in %s: %w", b.Dir, err)
	}
	load, _ := os.ReadFile("/proc/loadavg") // not every system tells
	docker, err := exec.CommandContext(ctx, "docker", "version", "--format", "client {{.Client.Version}}, engine {{.Server.Version}}").Output()
	if err != nil {
		return fmt.Errorf("docker version: %w", err)
	}
	fmt.Fprintf(b.Out, "%s: %d cores, %s/%s, docker %s, load at the start %s\n", time.Now().Format(time.DateTime),
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, strings.TrimSpace(string(docker)), strings.Join(strings.Fields(string(load))[:min(1, len(load))], ""))
	return nil
}

// home is the folder of popsicle's history while it is measured.
func (b *Bench) home() string { return filepath.Join(b.Dir, "home") }

// popsicleIn returns a case of popsicle, with its history in the bench's own
// folder.
func (b *Bench) popsicleIn(dir, arguments string) Case {
	return Case{
		Label:   strings.TrimSpace("popsicle " + arguments),
		Dir:     filepath.Join(b.Dir, dir),
		Command: fmt.Sprintf("POPSICLE_HOME='%s' exec '%s' %s", b.home(), b.Popsicle, arguments),
	}
}

// measure runs the cases of a work in turns. The first round warms up.
func (b *Bench) measure(ctx context.Context, w Work) ([][]Sample, error) {
	rounds := b.Rounds
	if w.Most > 0 {
		rounds = min(rounds, w.Most)
	}
	samples := make([][]Sample, len(w.Cases))
	for round := range rounds + 1 {
		for i, c := range w.Cases {
			progress(fmt.Sprintf("%s round %d of %d: %s", w.Name, round, rounds, c.Label))
			s, err := c.once(ctx)
			progress("")
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Label, err)
			}
			if round > 0 {
				samples[i] = append(samples[i], s)
			}
		}
	}
	return samples, nil
}

// progress shows on a terminal what is being measured.
func progress(text string) {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprint(os.Stderr, "\r\x1b[K"+text)
	}
}
