package runner

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

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
	volumes  []string // of the job alone: they go after its container
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
	upper, work, err := r.layers(ctx, id, v)
	if err != nil {
		ctx, cancel := cleanup()
		defer cancel()
		return nil, errors.Join(err, r.Docker.VolumeRemove(ctx, v.volumes...))
	}
	v.mount = docker.Mount{Target: v.dir, Options: map[string]string{
		"type":   "overlay",
		"device": "overlay",
		"o":      fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", path.Join(base.Mountpoint, baseFolder), upper, work),
	}}
	return v, nil
}

// layers returns the two folders of the engine's host that an overlay writes
// to. The root of an overlay belongs to whom its upper folder belongs to: a
// fresh volume's to root, so that another user needs folders made for it.
func (r *Runner) layers(ctx context.Context, id int, v *view) (upper, work string, err error) {
	if v.facts.UID != 0 {
		return r.scratch.take(ctx, r, v)
	}
	name := fmt.Sprintf("popsicle-%s-%d-%.8s", r.Build.run(), id, uuid())
	v.volumes = []string{name + "-upper", name + "-work"}
	g, gctx := errgroup.WithContext(ctx)
	for _, volume := range v.volumes {
		g.Go(func() error { return r.Docker.VolumeCreate(gctx, volume, r.labels("")) })
	}
	return sibling(v.base.Mountpoint, v.volumes[0]), sibling(v.base.Mountpoint, v.volumes[1]), g.Wait()
}

// sibling returns the mountpoint of a volume of the local driver, given that
// of another: …/volumes/NAME/_data.
func sibling(mountpoint, volume string) string {
	return path.Join(path.Dir(path.Dir(mountpoint)), volume, path.Base(mountpoint))
}

// scratch holds the volumes of a run in which overlays of users other than
// root write, one for each user.
type scratch struct {
	mu      sync.Mutex
	pools   map[Facts]*pool
	volumes []string
}

// A pool is a volume with folders for so many more views.
type pool struct {
	mountpoint string
	left       int
}

// poolViews is how many views a scratch volume has folders for.
const poolViews = 32

// take returns two empty folders that belong to the view's user.
func (s *scratch) take(ctx context.Context, r *Runner, v *view) (upper, work string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pools[v.facts]
	if p == nil || p.left == 0 {
		if p, err = r.newPool(ctx, v); err != nil {
			return "", "", err
		}
		if s.pools == nil {
			s.pools = map[Facts]*pool{}
		}
		s.pools[v.facts] = p
	}
	p.left--
	dir := path.Join(p.mountpoint, fmt.Sprint(p.left))
	return dir + "/upper", dir + "/work", nil
}

func (r *Runner) newPool(ctx context.Context, v *view) (*pool, error) {
	name := fmt.Sprintf("popsicle-%s-scratch-%.8s", r.Build.run(), uuid())
	if err := r.Docker.VolumeCreate(ctx, name, r.labels("")); err != nil {
		return nil, err
	}
	var folders bytes.Buffer
	if err := writeFolders(&folders, v.facts); err != nil {
		return nil, err
	}
	r.scratch.volumes = append(r.scratch.volumes, name)
	err := r.Docker.Fill(ctx, name, v.image, name+"-fill", r.labels(""), &folders)
	return &pool{mountpoint: sibling(v.base.Mountpoint, name), left: poolViews}, err
}

func writeFolders(w io.Writer, f Facts) error {
	t := tar.NewWriter(w)
	for i := range poolViews {
		for _, name := range []string{"/", "/upper/", "/work/"} {
			h := &tar.Header{Typeflag: tar.TypeDir, Name: fmt.Sprint(i) + name, Mode: 0o755, Uid: f.UID, Gid: f.GID, ModTime: time.Unix(0, 0)}
			if err := t.WriteHeader(h); err != nil {
				return err
			}
		}
	}
	return t.Close()
}

// remove removes the run's scratch volumes: the next Reap finds what stays.
func (s *scratch) remove(cli docker.CLI) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := cleanup()
	defer cancel()
	return cli.VolumeRemove(ctx, s.volumes...)
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
	return append(mounts, v.mount), nil
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
