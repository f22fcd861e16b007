// Benchapi measures a daemon as those who ask it feel it: `popsicle daemon`
// over a history of a million jobs, and two hundred who follow one log. It
// exits with 1 when a figure misses its bar.
//
//	go run ./testscripts/benchapi -popsicle ./popsicle
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := bench(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "benchapi:", err)
		os.Exit(1)
	}
}

// A suite is what is measured, and how much of it.
type suite struct {
	popsicle         string
	home             string // where the history is: it is built once
	pipelines        int    // of ten jobs each
	requests         int    // of each kind
	followers, lines int
	missed           []string
}

func bench(ctx context.Context, args []string) error {
	s := &suite{}
	flags := flag.NewFlagSet("benchapi", flag.ContinueOnError)
	flags.StringVar(&s.popsicle, "popsicle", "./popsicle", "the `program` to measure")
	flags.StringVar(&s.home, "home", filepath.Join(os.TempDir(), "popsicle-benchapi"), "the `folder` that keeps the history for the next time")
	flags.IntVar(&s.pipelines, "pipelines", 100_000, "pipelines of ten jobs each in the history")
	flags.IntVar(&s.requests, "requests", 500, "requests of each kind")
	flags.IntVar(&s.followers, "followers", 200, "how many follow one log")
	flags.IntVar(&s.lines, "lines", 20_000, "lines of that log")
	if err := flags.Parse(args); err != nil {
		return err
	}
	file, err := s.history(ctx)
	if err != nil {
		return err
	}
	d, err := s.start(ctx)
	if err != nil {
		return err
	}
	if err = s.lists(ctx, d); err == nil {
		err = s.follow(ctx, d, file)
	}
	if err := errors.Join(err, d.end()); err != nil {
		return err
	}
	for _, m := range s.missed {
		fmt.Println("MISSED:", m)
	}
	if len(s.missed) > 0 {
		return errors.New("a bar was missed")
	}
	return nil
}

// bar holds a figure to what is to be reached.
func (s *suite) bar(name string, got, most float64, unit string) {
	fmt.Printf("%-40s %8.1f %s (to reach: %.0f)\n", name, got, unit, most)
	if got > most {
		s.missed = append(s.missed, fmt.Sprintf("%s: %.1f %s, to reach %.0f", name, got, unit, most))
	}
}
