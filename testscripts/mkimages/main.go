// Mkimages makes the images that popsicle's tests, demo and own pipeline run
// in, without a registry. See package images.
//
//	mkimages NAME… | all                  make popsicle-test/NAME, where it is missing
//	mkimages stand-in [NAME…]             let them stand in for names that configs use
//	mkimages unname                       take those names back
//	mkimages rm                           remove everything made here
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := mkimages(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mkimages:", err)
		os.Exit(1)
	}
}

// mkimages carries out one command line.
func mkimages(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("say what: busybox, debian, cimg, go, all, stand-in, unname or rm")
	}
	switch args[0] {
	case "all":
		return each(images.All(), func(i images.Image) error { return ensure(ctx, i) })
	case "stand-in":
		return standIn(ctx, args[1:])
	case "unname":
		return each(images.All(), func(i images.Image) error { return i.Unname(ctx) })
	case "rm":
		newestFirst := slices.Backward(images.All())
		for _, i := range newestFirst {
			if err := i.Remove(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	for _, name := range args {
		i, err := images.For("popsicle-test/" + name)
		if err != nil {
			return err
		}
		if err := ensure(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// ensure makes one image, and tells when that took a while.
func ensure(ctx context.Context, i images.Image) error {
	start := time.Now()
	if err := i.Ensure(ctx); err != nil {
		return err
	}
	if took := time.Since(start); took > time.Second/2 {
		fmt.Printf("made %s in %.0fs\n", i.Name, took.Seconds())
	}
	return nil
}

// standIn gives the names, or all known ones, to the images made here.
func standIn(ctx context.Context, names []string) error {
	if len(names) == 0 {
		for _, i := range images.All() {
			names = append(names, i.StandsFor...)
		}
	}
	for _, name := range names {
		i, err := images.For(name)
		if err != nil {
			return err
		}
		if err := i.Ensure(ctx); err != nil {
			return err
		}
		given, err := i.StandIn(ctx, name)
		if err != nil {
			return err
		}
		if len(given) > 0 {
			fmt.Printf("%s now stands in for %s\n", i.Name, strings.Join(given, ", "))
		}
	}
	return nil
}

// each calls f for every image until one fails.
func each(list []images.Image, f func(images.Image) error) error {
	for _, i := range list {
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}
