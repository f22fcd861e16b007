// Bench measures popsicle beside hand-written docker commands, and beside act
// and woodpecker-cli where they are on PATH, on the same work in one run. The
// cases of a work take turns (A B C, A B C, …), so that a machine that slows
// down slows all of them; what is printed are medians, and their ratio to the
// fastest hand-written way: the floor.
//
//	go run ./testscripts/bench -popsicle ./popsicle -rounds 5 -only W1,W5
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := bench(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench carries out one command line.
func bench(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	popsicle := flags.String("popsicle", "./popsicle", "the `program` to measure")
	rounds := flags.Int("rounds", 5, "times that each case is measured, after one time to warm up")
	only := flags.String("only", "", "the works to measure, as in `W1,W5,start`; empty: all but those that take minutes: cache-save,cache-restore,workspace,artifacts,nodes,mask")
	peers := flags.Bool("peers", true, "measure act and woodpecker-cli too, where they are on PATH")
	dir := flags.String("dir", filepath.Join(os.TempDir(), "popsicle-bench"), "`folder` of the repositories, kept from one time to the next")
	prepare := flags.Bool("prepare", false, "only make what is measured with")
	if err := flags.Parse(args); err != nil {
		return err
	}
	program, err := filepath.Abs(*popsicle)
	if err != nil {
		return err
	}
	b := &Bench{Popsicle: program, Dir: *dir, Rounds: *rounds, Peers: *peers, Out: os.Stdout}
	if *prepare {
		return b.makeAll(ctx)
	}
	names := strings.Split(*only, ",")
	return b.Run(ctx, func(w Work) bool { return *only == "" && !w.Long || slices.Contains(names, w.Name) })
}
