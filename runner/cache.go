package runner

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/popsicle-ci/popsicle/runner/stash"
)

// wrong fails a step for a reason of the config's or the job's own.
func (j *job) wrong(s plan.Step, err error) (event.StepFinished, error) {
	reason := fmt.Sprintf("%s: %s: %s", s.Pos, s.Do.StepKind(), err)
	j.say("%s\n", reason)
	return event.StepFinished{Status: event.Failed, Reason: j.runner.Mask.String(reason)}, nil
}

var passed = event.StepFinished{Status: event.Success}

// saveCache keeps paths of the container under a key, for later jobs and
// runs. A key is written once: saving it again does nothing.
func (j *job) saveCache(ctx context.Context, s plan.Step, a plan.SaveCache) (event.StepFinished, error) {
	key, err := j.keys(ctx).make(a.Key)
	if err != nil {
		return j.outOf(ctx, s, err)
	}
	key = j.runner.Mask.String(key)
	if c, found, err := j.runner.Shelf.CacheOf(ctx, key); err != nil {
		return event.StepFinished{}, err
	} else if found {
		j.say("Skipping cache generation, cache already exists for key: %s\nFound one created at %s\n", key, c.Created.UTC().Format(time.RFC3339))
		return passed, nil
	}
	paths, err := j.absolute(a.Paths)
	if err != nil {
		return j.wrong(s, err)
	}
	release, err := j.runner.Stash.Hold(ctx)
	if err != nil {
		return j.unsaved(ctx, s, key, err)
	}
	defer release()
	start := time.Now()
	j.say("Creating cache %s\n", key)
	kept, err := j.stow(ctx, choice{base: "/", paths: paths})
	if err != nil {
		return j.unsaved(ctx, s, key, err)
	}
	j.tell(kept, "/")
	if kept.Files == 0 && len(kept.missing) == len(paths) {
		j.say("Nothing is saved: none of the paths is there\n")
		return passed, nil
	}
	won, err := j.runner.Shelf.PutCache(ctx, Cache{
		Key: key, Paths: rooted(paths), Content: kept.Content, Pipeline: j.at.Pipeline, Job: j.at.Job, Created: time.Now(),
	})
	switch {
	case err != nil:
		return event.StepFinished{}, err
	case !won:
		j.say("Another job was faster: cache already exists for key: %s\n", key)
	default:
		j.say("Saved %s in %s\n", kept.Content, seconds(time.Since(start)))
	}
	return passed, nil
}

// outOf ends a step whose key cannot be made.
func (j *job) outOf(ctx context.Context, s plan.Step, err error) (event.StepFinished, error) {
	if ctx.Err() != nil {
		return event.StepFinished{}, ctx.Err()
	}
	return j.wrong(s, err)
}

// unsaved ends a save_cache step that saved nothing. What the job's own tar
// cannot read fails the step; a host that cannot keep a cache does not, for a
// cache is only there to be quick.
func (j *job) unsaved(ctx context.Context, s plan.Step, key string, err error) (event.StepFinished, error) {
	var tar errTar
	switch {
	case ctx.Err() != nil:
		return event.StepFinished{}, ctx.Err()
	case errors.As(err, &tar):
		return j.wrong(s, tar)
	}
	j.warn("%s: cache %s is not saved: %s", s.Pos, key, err)
	return passed, nil
}

// restoreCache brings back the newest cache of the first key that any cache
// begins with. A cache that is damaged is as if it had never been saved.
func (j *job) restoreCache(ctx context.Context, s plan.Step, a plan.RestoreCache) (event.StepFinished, error) {
	keys := j.keys(ctx)
	for _, text := range a.Keys {
		key, err := keys.make(text)
		if err != nil {
			var none noChecksum
			if errors.As(err, &none) && ctx.Err() == nil {
				j.warn("%s: restore_cache: key %s is passed over: %s", s.Pos, text, err)
				continue
			}
			return j.outOf(ctx, s, err)
		}
		key = j.runner.Mask.String(key)
		for {
			c, found, err := j.runner.Shelf.NewestCache(ctx, key)
			if err != nil {
				return event.StepFinished{}, err
			}
			if !found {
				j.say("No cache is found for key: %s\n", key)
				break
			}
			end, again, err := j.unpackCache(ctx, s, c)
			if !again {
				return end, err
			}
		}
	}
	return passed, nil
}

// unpackCache restores a cache, or removes it where it is damaged, after
// which the next one may do.
func (j *job) unpackCache(ctx context.Context, s plan.Step, c Cache) (end event.StepFinished, again bool, err error) {
	start := time.Now()
	j.say("Found a cache from pipeline #%d, job %s, of %s: %s\n", c.Pipeline, c.Job, c.Created.UTC().Format(time.RFC3339), c.Key)
	var parents []string
	for _, p := range c.Paths {
		parents = append(parents, path.Dir(p))
	}
	err = j.unstow(ctx, "/", []Content{c.Content}, parents)
	var tar errTar
	switch {
	case ctx.Err() != nil:
		return event.StepFinished{}, false, ctx.Err()
	case errors.Is(err, stash.ErrDamaged):
		j.warn("cache %s is damaged and is removed: %s", c.Key, err)
		return passed, true, j.runner.Shelf.DropCache(ctx, c)
	case errors.As(err, &tar):
		end, err = j.wrong(s, tar)
		return end, false, err
	case err != nil:
		return event.StepFinished{}, false, err
	}
	j.say("Restored %s, %s in %s\n", countFiles(c.Content.Files), size(c.Content.Bytes), seconds(time.Since(start)))
	return passed, false, nil
}

// absolute resolves paths of a config, and returns them relative to the top
// of the container.
func (j *job) absolute(paths []string) ([]string, error) {
	h := j.session.hello
	dir := expand(j.plan.WorkDir, h.Home, h.Home)
	var all []string
	for _, p := range paths {
		at := strings.TrimPrefix(expand(p, dir, h.Home), "/")
		if at == "" {
			return nil, fmt.Errorf("path %s is the whole container: name the folders that are worth keeping", p)
		}
		all = append(all, at)
	}
	return outermost(all), nil
}

func rooted(paths []string) []string {
	all := make([]string, len(paths))
	for i, p := range paths {
		all[i] = "/" + p
	}
	return all
}

// tell says what was not kept.
func (j *job) tell(s stowed, base string) {
	for _, p := range s.missing {
		j.say("Warning: there is no %s\n", path.Join(base, p))
	}
	for _, l := range s.leaks {
		j.warn("%s holds the value of %s, and is kept with it", path.Join(base, l.name), strings.Join(l.variables, ", "))
	}
	if s.special > 0 {
		j.say("Warning: %d devices and pipes are left out\n", s.special)
	}
	if s.long > 0 {
		j.warn("%s left out below %s: a path is longer than the %d bytes that Linux allows", plural(s.long, "entry"), base, longestName)
	}
	if s.changed != "" {
		j.say("Warning: %s\n", s.changed)
	}
}

// warn says a warning in the step and where the whole run is told of.
func (j *job) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	j.say("Warning: %s\n", text)
	j.runner.once(j.at, j.runner.Mask.String(text))
}

// String is "12 files, 3.4 MB (1.1 MB new)".
func (c Content) String() string {
	return fmt.Sprintf("%s, %s (%s new)", countFiles(c.Files), size(c.Bytes), size(c.New))
}

func countFiles(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

// size is a number of bytes for people: "3.4 MB".
func size(n int64) string { return humanize.Bytes(uint64(n)) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }
