package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// persist adds a layer to the workflow's workspace.
func (j *job) persist(ctx context.Context, s plan.Step, a plan.PersistToWorkspace) (event.StepFinished, error) {
	h, r := j.session.hello, j.runner
	root := expand(a.Root, expand(j.plan.WorkDir, h.Home, h.Home), h.Home)
	var patterns []glob
	for _, p := range a.Paths {
		g, err := parseGlob(inside(p, root))
		if err != nil {
			return j.wrong(s, err)
		}
		patterns = append(patterns, g)
	}
	release, err := r.Stash.Hold(ctx)
	if err != nil {
		return event.StepFinished{}, err
	}
	defer release()
	start := time.Now()
	paths, err := j.match(ctx, root, patterns)
	if err != nil {
		return j.trouble(ctx, s, err)
	}
	kept, err := j.stow(ctx, choice{base: root, paths: outermost(paths)})
	if err != nil {
		return j.trouble(ctx, s, err)
	}
	j.tell(kept, root)
	if len(kept.missing) == len(outermost(paths)) {
		return j.wrong(s, fmt.Errorf("the specified paths did not match any files in %s", root))
	}
	names, err := r.Stash.Put(ctx, strings.NewReader(listNames(kept.names)))
	if err != nil {
		return event.StepFinished{}, err
	}
	err = r.Shelf.PutLayer(ctx, Layer{
		Pipeline: j.at.Pipeline, Workflow: j.at.Workflow, Job: j.plan.Name, Node: j.at.Node, Step: j.at.Step, Content: kept.Content, Names: names.ID,
	})
	if err != nil {
		return event.StepFinished{}, err
	}
	j.say("Persisted %s in %s\n", kept.Content, seconds(time.Since(start)))
	return passed, nil
}

// inside makes an absolute path below the root relative to it.
func inside(p, root string) string {
	if rest, ok := strings.CutPrefix(path.Clean(p), strings.TrimSuffix(root, "/")+"/"); ok {
		return rest
	}
	return p
}

// listNames is a list of names that readNames reads, sorted, each once.
func listNames(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	return strings.Join(names, "\x00")
}

// names reads the names of a layer's files.
func (l Layer) names(r *Runner) ([]string, error) {
	in, err := r.Stash.Open(l.Names)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, in); err != nil || b.Len() == 0 {
		return nil, err
	}
	return strings.Split(b.String(), "\x00"), nil
}

// attach unpacks the layers of all jobs upstream, each over those of the jobs
// before it.
func (j *job) attach(ctx context.Context, s plan.Step, a plan.AttachWorkspace) (event.StepFinished, error) {
	h, r := j.session.hello, j.runner
	at := expand(a.At, expand(j.plan.WorkDir, h.Home, h.Home), h.Home)
	start := time.Now()
	up := upstreamOf(r.jobs(j.at.Workflow), j.plan.Name)
	all, err := r.Shelf.Layers(ctx, j.at.Pipeline, j.at.Workflow)
	if err != nil {
		return event.StepFinished{}, err
	}
	layers := up.order(all)
	if len(layers) == 0 {
		j.warn("%s: the workspace is empty: no job that %s requires persisted anything", s.Pos, j.plan.Name)
		return passed, nil
	}
	names := map[string]string{}
	if up.concurrent(layers) || !h.Tar {
		clashes, err := up.clashes(layers, names, func(l Layer) ([]string, error) { return l.names(r) })
		if err != nil {
			return event.StepFinished{}, fmt.Errorf("workspace: %w", err)
		}
		if len(clashes) > 0 {
			return j.wrong(s, errors.New("Concurrent upstream jobs persisted the same file(s):\n  "+strings.Join(clashes, "\n  ")))
		}
	}
	var parents []string
	for name := range names {
		parents = append(parents, path.Dir(name))
	}
	slices.Sort(parents)
	var total Content
	contents := make([]Content, len(layers))
	for i, l := range layers {
		contents[i] = l.Content
		total.Files += l.Content.Files
		total.Bytes += l.Content.Bytes
		j.say("Layer of job %s: %s, %s\n", l.Job, countFiles(l.Content.Files), size(l.Content.Bytes))
	}
	if err := j.unstow(ctx, at, contents, slices.Compact(parents)); err != nil {
		return j.trouble(ctx, s, err)
	}
	j.say("Attached %s, %s at %s in %s\n", countFiles(total.Files), size(total.Bytes), at, seconds(time.Since(start)))
	return passed, nil
}

// trouble tells the job's own failures from those of popsicle and the engine.
func (j *job) trouble(ctx context.Context, s plan.Step, err error) (event.StepFinished, error) {
	var tar errTar
	if ctx.Err() == nil && errors.As(err, &tar) {
		return j.wrong(s, tar)
	}
	return event.StepFinished{}, err
}
