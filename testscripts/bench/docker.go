package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// listed returns the words that a docker command prints.
func listed(ctx context.Context, args ...string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "docker", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("docker %s: %w", strings.Join(args, " "), err)
	}
	return strings.Fields(string(out)), nil
}

// volumes lists the trees that popsicle keeps on the engine.
func volumes(ctx context.Context) ([]string, error) {
	return listed(ctx, "volume", "ls", "--quiet", "--filter", "label=popsicle.base")
}

// everything lists what Docker holds, each with its kind before it.
func everything(ctx context.Context) ([]string, error) {
	var all []string
	for kind, args := range map[string][]string{
		"container": {"ps", "--all", "--quiet", "--no-trunc"},
		"network":   {"network", "ls", "--quiet", "--no-trunc"},
		"volume":    {"volume", "ls", "--quiet"},
	} {
		names, err := listed(ctx, args...)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			all = append(all, kind+" "+n)
		}
	}
	return all, nil
}

// newSince returns what is in now and was not in before.
func newSince(before, now []string) []string {
	return slices.DeleteFunc(now, func(s string) bool { return slices.Contains(before, s) })
}

// forget makes popsicle meet the repositories for the first time: without a
// history, and without the trees that it kept on the engine for them.
func (b *Bench) forget(ctx context.Context) error {
	return b.cleanUp(ctx, nil)
}

// cleanUp removes the history of this bench and the trees that its runs left
// on the engine; those in keep are somebody else's.
func (b *Bench) cleanUp(ctx context.Context, keep []string) error {
	now, err := volumes(ctx)
	if err != nil {
		return err
	}
	if ours := newSince(keep, now); len(ours) > 0 {
		_, err = listed(ctx, append([]string{"volume", "rm"}, ours...)...)
	}
	return errors.Join(err, os.RemoveAll(b.home()))
}
