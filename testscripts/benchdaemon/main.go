// Benchdaemon measures how quickly a running popsicle daemon takes webhooks,
// and whether it keeps its word: what it has answered with 202 is on the disk,
// once, whatever happens to it. It exits with 1 when a figure misses its bar.
//
//	go run ./testscripts/benchdaemon -popsicle ./popsicle
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
		fmt.Fprintln(os.Stderr, "benchdaemon:", err)
		os.Exit(1)
	}
}

// bar is what the slowest answer but one in a hundred may take.
const bar = 100 * time.Millisecond

// A suite is what is measured, and with how much.
type suite struct {
	popsicle, dir           string
	deliveries, connections int
}

func bench(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("benchdaemon", flag.ContinueOnError)
	popsicle := flags.String("popsicle", "./popsicle", "the `program` to measure")
	s := &suite{}
	flags.IntVar(&s.deliveries, "deliveries", 5000, "webhooks to send")
	flags.IntVar(&s.connections, "connections", 64, "connections to send them from")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if s.popsicle, err = filepath.Abs(*popsicle); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "popsicle-benchdaemon-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.dir)
	return errors.Join(s.throughput(ctx), s.killed(ctx))
}

// throughput sends all deliveries, and compares their rate with that of the disk.
func (s *suite) throughput(ctx context.Context) error {
	before, err := commitRate(ctx, s.dir)
	if err != nil {
		return err
	}
	d, err := s.start(ctx, "throughput")
	if err != nil {
		return err
	}
	defer d.kill()
	answers := s.send(ctx, d.url)
	after, err := commitRate(ctx, s.dir)
	if err != nil {
		return err
	}
	d.kill()
	fmt.Printf("%d deliveries of %d KB from %d connections\n", s.deliveries, payloadSize>>10, s.connections)
	rate, commits := float64(s.deliveries)/answers.whole.Seconds(), (before+after)/2
	fmt.Printf("  deliveries          %8.0f /s in %.2f s\n", rate, answers.whole.Seconds())
	fmt.Printf("  SQLite, one by one  %8.0f commits/s (synchronous=FULL; %.0f before, %.0f after)\n", commits, before, after)
	fmt.Printf("  ratio               %8.2f\n", rate/commits)
	p50, p99, worst := answers.quantiles()
	fmt.Printf("  answers             p50 %s  p99 %s  worst %s\n", p50, p99, worst)
	if taken := len(answers.taken()); taken != s.deliveries {
		return fmt.Errorf("%d of %d deliveries were taken", taken, s.deliveries)
	}
	if err := d.check(ctx, answers.taken(), s.deliveries); err != nil {
		return err
	}
	fmt.Println("  kept                all, each once")
	if p99 > bar {
		return fmt.Errorf("the p99 is %s, the bar is %s", p99, bar)
	}
	return nil
}

// killed ends the daemon in the middle, as a power cut would, and looks for
// what it had promised.
func (s *suite) killed(ctx context.Context) error {
	d, err := s.start(ctx, "killed")
	if err != nil {
		return err
	}
	defer d.kill()
	answers := s.sendUntil(ctx, d, s.deliveries/2)
	promised := answers.taken()
	if len(promised) == s.deliveries {
		return errors.New("the daemon was killed after everything was taken: send more with -deliveries")
	}
	if err := d.check(ctx, promised, s.deliveries); err != nil {
		return fmt.Errorf("after kill -9: %w", err)
	}
	again, err := s.start(ctx, "killed")
	if err != nil {
		return err
	}
	defer again.kill()
	rest := s.send(ctx, again.url) // GitHub redelivers by hand; so do we, all of them
	again.kill()
	if got := len(rest.taken()); got != s.deliveries {
		return fmt.Errorf("of %d deliveries that were sent again, %d were taken", s.deliveries, got)
	}
	if err := again.check(ctx, rest.taken(), s.deliveries); err != nil {
		return fmt.Errorf("sent again after kill -9: %w", err)
	}
	fmt.Printf("kill -9 after %d of %d: none of the %d that got their 202 is lost; all sent again: none is doubled\n", s.deliveries/2, s.deliveries, len(promised))
	return nil
}
