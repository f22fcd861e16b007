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

	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A view is a job's own copy-on-write sight of a base: an overlay volume that
// the engine makes with the container and removes with it.
type view struct {
	base     *Base
	filling  *filling // that base came from
	image    string
	facts    Facts
	dir      string // where it is mounted: the folder of the job's checkout
	mount    docker.Mount
	layers   []docker.Mount // of the job alone, which mount writes to: their volumes go after its container
	manifest gitops.Manifest
	loaded   chan error
}

// newView prepares the view for a job, or returns nil where there is no base.
func (r *Runner) newView(ctx context.Context, id int, job *plan.Job, f Facts) (*view, error) {
	c, ok := checkoutOf(job)
	if !ok {
		return nil, nil
	}
	image := job.Images[0].Name
	fl, err := r.base(ctx, image, f)
	if err != nil || fl.base == nil {
		return nil, err
	}
	base := fl.base
	v := &view{base: base, filling: fl, image: image, facts: f, dir: destination(job, c, f.Home), loaded: make(chan error, 1)}
	go func() {
		var err error
		v.manifest, err = gitops.DecodeManifest(bytes.NewReader(base.Manifest))
		v.loaded <- err
	}()
	return v, r.overlay(ctx, id, v, path.Join(base.Mountpoint, baseFolder))
}

// overlay mounts the view: lower lies below what the job writes. The two
// volumes for that are made with the container, which sees them too, and can
// change nothing there.
func (r *Runner) overlay(ctx context.Context, id int, v *view, lower string) error {
	name := fmt.Sprintf("popsicle-%s-%d-%.8s", r.Build.run(), id, uuid())
	folder := map[string]string{}
	for _, layer := range []string{"upper", "work"} {
		volume := name + "-" + layer
		v.layers = append(v.layers, docker.Mount{Target: "/.popsicle/" + layer, Volume: volume, Labels: r.labels(""), ReadOnly: true})
		folder[layer] = sibling(v.base.Mountpoint, volume)
	}
	v.mount = docker.Mount{Target: v.dir, Options: map[string]string{
		"type":   "overlay",
		"device": "overlay",
		"o":      fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", lower, folder["upper"], folder["work"]),
	}}
	err := r.Docker.MakeVolumes(ctx, v.layers)
	if err != nil {
		ctx, cancel := cleanup()
		defer cancel()
		err = errors.Join(err, r.Docker.VolumeRemove(ctx, v.volumes()...))
	}
	return err
}

// mounts are what the container of the view needs. The overlay is the last:
// its folders must be there before.
func (v *view) mounts() []docker.Mount { return append(slices.Clone(v.layers), v.mount) }

// volumes are those of the job alone. A nil view has none.
func (v *view) volumes() []string {
	var names []string
	if v != nil {
		for _, m := range v.layers {
			names = append(names, m.Volume)
		}
	}
	return names
}

// sibling returns the mountpoint of a volume of the local driver, given that
// of another: …/volumes/NAME/_data.
func sibling(mountpoint, volume string) string {
	return path.Join(path.Dir(path.Dir(mountpoint)), volume, path.Base(mountpoint))
}

// owned gives the root of the view to the job's user: that of an overlay
// belongs to whom its upper folder belongs to, and a fresh volume's to root. A
// container in which that cannot be done goes without a view.
func (j *job) owned(ctx context.Context) bool {
	if j.view == nil || j.facts.UID == 0 {
		return true
	}
	owner := fmt.Sprintf("%d:%d", j.facts.UID, j.facts.GID)
	code, _, err := j.runner.Docker.Exec(ctx, j.container.Name, "0", []string{"chown", owner, j.view.dir}, nil, io.Discard)
	j.plain = err != nil || code != 0
	return !j.plain
}

// errProbe means that the image must be asked for its user first.
var errProbe = errors.New("the image is not known yet")

// mounts decides what a job sees from its start: a view of the tree where it
// is large, and the host's git objects where the engine may be on this host.
func (j *job) mounts(ctx context.Context) ([]docker.Mount, error) {
	j.view, j.objects = nil, nil // those of a start that failed
	if j.resume != nil {
		return j.remount(ctx)
	}
	if _, ok := checkoutOf(j.plan); !ok || j.plain {
		return nil, nil
	}
	var mounts []docker.Mount
	for i, dir := range j.runner.objects(ctx) {
		// What the first borrows from, it names by paths of the host.
		target := dir
		if i == 0 {
			target = objectsDir
		}
		mounts = append(mounts, docker.Mount{Target: target, Bind: dir})
		j.objects = append(j.objects, dir)
	}
	image := j.plan.Images[0]
	facts, known := j.known(image)
	if !known {
		if large, err := j.runner.large(ctx); err != nil || !large {
			return mounts, err
		}
		return nil, errProbe
	}
	v, err := j.runner.newView(ctx, j.at.JobID, j.plan, facts)
	if err != nil || v == nil {
		return mounts, err
	}
	j.view = v
	return append(mounts, v.mounts()...), nil
}

// known is what is known of an image: by its answer, else from earlier runs.
func (j *job) known(image plan.Image) (Facts, bool) {
	if j.facts != nil {
		return *j.facts, true
	}
	return j.runner.Memory.Facts(image.Name, image.User)
}

// objects returns the folders of the repository's objects, if an engine can
// mount them: it may be on this host, and they are not empty.
func (r *Runner) objects(ctx context.Context) []string {
	if strings.Contains(r.Engine, "://") && !strings.HasPrefix(r.Engine, "unix://") {
		return nil
	}
	dirs, err := r.Checkout.Repo.ObjectDirs(ctx)
	if err != nil || len(dirs) == 0 {
		return nil // a pack is sent instead
	}
	if _, err := witness(dirs[0]); err != nil {
		return nil
	}
	return dirs
}
