package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/stash"
)

// limits are what caches and workspaces may take of this host.
type limits struct {
	size int64         // bytes on the disk
	age  time.Duration // since they were last used
}

// limitFlags set the limits.
func limitFlags() []cli.Flag {
	const category = "What is kept"
	return []cli.Flag{
		&cli.StringFlag{Name: "cache-size", Usage: "caches and workspaces may take `SIZE` of the disk together", Value: "10GB",
			Sources: cli.EnvVars("POPSICLE_CACHE_SIZE"), Category: category},
		&cli.StringFlag{Name: "cache-age", Usage: "they are kept for `AGE` after they were last used", Value: "15d",
			Sources: cli.EnvVars("POPSICLE_CACHE_AGE"), Category: category},
	}
}

// newLimits reads them.
func newLimits(c *cli.Command) (l limits, err error) {
	size, err := humanize.ParseBytes(c.String("cache-size"))
	if err != nil || size == 0 || int64(size) < 0 {
		return l, usage("--cache-size %s (or POPSICLE_CACHE_SIZE) is no size: say 500MB or 10GB", c.String("cache-size"))
	}
	l.size = int64(size)
	if l.age, err = parseAge(c.String("cache-age")); err != nil {
		return l, usage("--cache-age %s (or POPSICLE_CACHE_AGE) is no time: say 12h or 15d", c.String("cache-age"))
	}
	return l, nil
}

// parseAge reads a duration that may count days: "15d", "36h".
func parseAge(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	age, err := time.ParseDuration(text)
	if err == nil && age <= 0 {
		err = errors.New("not after now")
	}
	return age, err
}

// justUsed is how long what was used is safe from every limit.
const justUsed = time.Hour

// A keepsake is a cache or a layer, as the limits see it.
type keepsake struct {
	blobs  []string
	used   time.Time
	safe   bool // a pipeline that is going on needs it
	forget func(context.Context) error
}

// keepsakes lists all that the limits are about, what is used first.
func keepsakes(ctx context.Context, history *db.DB) ([]keepsake, error) {
	caches, err := history.Caches(ctx, "")
	if err != nil {
		return nil, err
	}
	layers, err := history.AllLayers(ctx)
	if err != nil {
		return nil, err
	}
	var all []keepsake
	for _, c := range caches {
		all = append(all, keepsake{blobs: []string{c.Blob}, used: c.Used,
			forget: func(ctx context.Context) error { return history.DeleteCache(ctx, c.ID) }})
	}
	for _, l := range layers {
		all = append(all, keepsake{blobs: []string{l.Blob, l.Names}, used: l.Used, safe: l.Open,
			forget: func(ctx context.Context) error { return history.DeleteLayer(ctx, l.ID) }})
	}
	slices.SortStableFunc(all, func(a, b keepsake) int {
		if a.safe != b.safe {
			if a.safe {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.used.UnixMilli(), a.used.UnixMilli())
	})
	return all, nil
}

// unused is how long something was not used. What was used in times to come,
// before the clock was set back, is as old as it is far away: else it would be
// new, and stay, until then.
func unused(now, used time.Time) time.Duration { return now.Sub(used).Abs() }

// overdue returns those that the limits do not allow: too old, or the last
// used of more than there is room for.
func (l limits) overdue(all []keepsake, now time.Time, fitting func(ids []string, limit int64) (int, error)) ([]keepsake, error) {
	var old, rest []keepsake
	var ids []string
	owner := map[int]int{} // by place in ids: place in rest
	for _, k := range all {
		if !k.safe && unused(now, k.used) > l.age {
			old = append(old, k)
			continue
		}
		for range k.blobs {
			owner[len(owner)] = len(rest)
		}
		ids = append(ids, k.blobs...)
		rest = append(rest, k)
	}
	n, err := fitting(ids, l.size)
	if err != nil || n == len(ids) {
		return old, err
	}
	for _, k := range rest[owner[n]:] {
		if !k.safe && unused(now, k.used) > justUsed {
			old = append(old, k)
		}
	}
	return old, nil
}

// artifactAge is how long artifacts are kept, as CircleCI keeps them.
// https://circleci.com/docs/guides/optimize/artifacts/
const artifactAge = 30 * 24 * time.Hour

// An eviction is what the limits removed.
type eviction struct {
	Forgotten int // caches and layers
	stash.Swept
}

// evict forgets what the limits do not allow, and removes from the stash what
// nobody remembers. With dry it only tells.
func (l limits) evict(ctx context.Context, history *db.DB, dry bool) (e eviction, err error) {
	store := openStash(history)
	all, err := keepsakes(ctx, history)
	if err != nil {
		return e, err
	}
	old, err := l.overdue(all, time.Now(), store.Fitting)
	if err != nil {
		return e, err
	}
	e.Forgotten = len(old)
	for _, k := range old {
		if dry {
			break
		}
		if err := k.forget(ctx); err != nil {
			return e, err
		}
	}
	if !dry {
		if _, err := history.DropArtifacts(ctx, time.Now().Add(-artifactAge), l.size); err != nil {
			return e, err
		}
	}
	e.Swept, err = store.Sweep(ctx, history.Blobs(ctx), dry)
	return e, err
}

// evictAtTimes evicts beside a run, if none did so within the last hour. What
// it cannot do, the next run tries again.
func (l *launch) evictAtTimes(ctx context.Context) {
	dir := filepath.Join(filepath.Dir(l.history.Path()), "stash")
	stamp := filepath.Join(dir, "evicted")
	info, err := os.Stat(stamp)
	if err == nil && unused(time.Now(), info.ModTime()) < time.Hour {
		return
	}
	if _, err := os.Stat(dir); err != nil {
		return // nothing was ever kept
	}
	if os.WriteFile(stamp, nil, 0o600) != nil {
		return
	}
	_, _ = l.limits.evict(ctx, l.history, false)
}

// describe says what an eviction removed.
func (e eviction) describe(dry bool) string {
	verb := "removed"
	if dry {
		verb = "would remove"
	}
	return fmt.Sprintf("%s %d caches and layers, %s; %s are left", verb, e.Forgotten, humanize.Bytes(uint64(e.Freed)), humanize.Bytes(uint64(e.Left)))
}
