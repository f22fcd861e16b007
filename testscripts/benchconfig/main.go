// Benchconfig measures the compiler of configs as users feel it: whole
// processes on one core, on configs that it writes itself, and on a folder of real
// ones where it is given. It exits with 1 when a figure misses its bar.
//
//	go run ./testscripts/benchconfig -popsicle ./popsicle -corpus ../shared/corpus -orbs ../shared/orbs
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := bench(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "benchconfig:", err)
		os.Exit(1)
	}
}

// A suite is what is measured, and with what.
type suite struct {
	popsicle, dir string
	rounds        int
	missed        []string
}

func bench(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("benchconfig", flag.ContinueOnError)
	popsicle := flags.String("popsicle", "./popsicle", "the `program` to measure")
	rounds := flags.Int("rounds", 11, "times that each command is measured")
	corpus := flags.String("corpus", "", "a `folder` of configs to measure, too")
	orbs := flags.String("orbs", "", "the `folder` of the orbs that those use")
	if err := flags.Parse(args); err != nil {
		return err
	}
	program, err := filepath.Abs(*popsicle)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "popsicle-benchconfig-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := &suite{popsicle: program, dir: dir, rounds: *rounds}
	if err := errors.Join(s.single(ctx), s.series(ctx)); err != nil {
		return err
	}
	if *corpus != "" {
		if err := s.corpus(ctx, *corpus, *orbs); err != nil {
			return err
		}
	}
	if len(s.missed) > 0 {
		return fmt.Errorf("over the bar: %v", s.missed)
	}
	return nil
}

// single measures one config of a size at a time.
func (s *suite) single(ctx context.Context) error {
	large, typical := largeConfig(), typicalConfig()
	for _, one := range []struct {
		what, verb, text string
		bar              time.Duration
	}{
		{fmt.Sprintf("process %d KB", len(large)/1000), "process", large, 150 * time.Millisecond},
		{fmt.Sprintf("validate %.1f KB", float64(len(typical))/1000), "validate", typical, 50 * time.Millisecond},
	} {
		cost, err := s.measure(ctx, one.verb, one.text)
		if err != nil {
			return err
		}
		s.report(one.what, cost, one.bar, 0)
	}
	return nil
}

// series shows that the cost grows with the jobs and no faster.
func (s *suite) series(ctx context.Context) error {
	empty, err := s.measure(ctx, "process", typicalConfig())
	if err != nil {
		return err
	}
	for _, n := range []int{100, 1_000, 3_000, 10_000} {
		cost, err := s.measure(ctx, "process", manyJobs(n))
		if err != nil {
			return err
		}
		each := float64((cost.cpu - empty.cpu).Microseconds()) / float64(n)
		fmt.Printf("process %5d jobs    %8.0f ms  CPU %6.0f ms  %4d MB  %5.0f µs CPU a job\n", n, ms(cost.wall), ms(cost.cpu), cost.mb, each)
	}
	return nil
}

// corpus compiles every file, each in a process of its own, and then checks
// all of them in one.
func (s *suite) corpus(ctx context.Context, dir, orbs string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.yml"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no configs in %s: %w", dir, err)
	}
	flags := []string{"--relax-orbs"}
	if orbs != "" {
		flags = append(flags, "--orbs", orbs)
	}
	var all cost
	for _, file := range files {
		one, err := s.run(ctx, true, append([]string{"config", "process", file}, flags...)...)
		if err != nil {
			return err
		}
		all = cost{all.wall + one.wall, all.cpu + one.cpu, max(all.mb, one.mb)}
	}
	s.report(fmt.Sprintf("process %d files", len(files)), all, 5*time.Second, 150)
	once, err := s.run(ctx, true, append(append([]string{"config", "validate"}, files...), flags...)...)
	if err == nil {
		s.report("validate them at once", once, 5*time.Second, 150)
	}
	return err
}

// report prints a line, and remembers a bar that was missed. On one core the
// time of the CPU is what an idle machine takes; the time by the clock is also
// that of whatever else runs.
func (s *suite) report(what string, c cost, bar time.Duration, mb int) {
	verdict := "ok"
	if c.cpu > bar || mb > 0 && c.mb > mb {
		verdict = "MISSED"
		s.missed = append(s.missed, what)
	}
	memory := ""
	if mb > 0 {
		memory = fmt.Sprintf(", %d MB", mb)
	}
	fmt.Printf("%-21s %7.0f ms  CPU %6.0f ms  %4d MB  (bar: %s%s: %s)\n", what, ms(c.wall), ms(c.cpu), c.mb, bar, memory, verdict)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
