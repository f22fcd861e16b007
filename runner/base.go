package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/docker"
)

// A Base is a tree that lies on an engine as an immutable volume, from run to
// run. Jobs see it through an overlay of their own.
type Base struct {
	Engine     string
	Root       string // the checkout it was read from
	Volume     string
	Mountpoint string // of the volume, on the engine's host
	Tree       string // git tree hash
	UID, GID   int    // whom its files belong to
	Files      int
	Bytes      int64
	Manifest   []byte // what lies in it, as gitops encodes it
}

// baseFolder is the folder of a base's volume that holds the tree: unlike the
// volume itself it belongs to the tree's owner.
const baseFolder = "tree"

// bases fills each base at most once a run, whatever number of jobs waits.
type bases struct {
	mu    sync.Mutex
	fills map[Facts]*filling
	stale bool // a new base is being filled for the next run
	stop  context.CancelFunc
}

// giveUp ends the filling of a base for the next run.
func (b *bases) giveUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stop != nil {
		b.stop()
	}
}

type filling struct {
	once sync.Once
	base *Base
	err  error
}

func (b *bases) filling(f Facts) *filling {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fills == nil {
		b.fills = map[Facts]*filling{}
	}
	if b.fills[f] == nil {
		b.fills[f] = &filling{}
	}
	return b.fills[f]
}

// base returns the tree that jobs of these facts can see, without one where
// the checkout is too small. The first run of a checkout fills it.
func (r *Runner) base(ctx context.Context, image string, f Facts) (*filling, error) {
	fl := r.bases.filling(f)
	fl.once.Do(func() {
		if b, ok := r.Memory.Base(r.Engine, r.Checkout.Repo.Root, f.UID); ok && b.GID == f.GID {
			fl.base = &b
			r.Memory.UseBase(b)
			return
		}
		if large, err := r.large(ctx); !large || err != nil {
			fl.err = err
			return
		}
		fl.base, fl.err = r.fill(ctx, image, f)
	})
	return fl, fl.err
}

// lost says whether the engine has lost the base of a view, and forgets such
// a base: a mount can fail for other reasons, and to forget a base is to let
// the next Reap remove it.
func (r *Runner) lost(ctx context.Context, v *view) bool {
	if _, err := r.Docker.Mountpoint(ctx, v.base.Volume); !docker.Gone(err) {
		return false
	}
	r.Memory.DropBase(*v.base)
	r.bases.mu.Lock()
	defer r.bases.mu.Unlock()
	if r.bases.fills[v.facts] == v.filling { // else another job was here first
		delete(r.bases.fills, v.facts)
	}
	return true
}

// large says whether the tree is worth a base. It waits for the tree to be
// read only where the last run does not tell.
func (r *Runner) large(ctx context.Context) (bool, error) {
	if r.Memory.Small(r.Checkout.Repo.Root) {
		return false, nil
	}
	tree, err := r.Checkout.Tree(ctx)
	if err != nil {
		return false, err
	}
	return Large(len(tree.Files), tree.Bytes), nil
}

// fill copies the tree to the engine. A volume that is not filled to its end
// carries a lease like everything else, and goes with it; one that Memory
// knows stays.
func (r *Runner) fill(ctx context.Context, image string, f Facts) (*Base, error) {
	tree, err := r.Checkout.Tree(ctx)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("popsicle-base-%.12s-%d-%.8s", tree.Hash, f.UID, uuid())
	labels := r.labels("")
	labels[docker.LabelBase] = r.Home
	if err := r.Docker.VolumeCreate(ctx, name, labels); err != nil {
		return nil, err
	}
	b, err := r.fillVolume(ctx, name, image, f, tree)
	if err != nil {
		ctx, cancel := cleanup()
		defer cancel()
		return nil, errors.Join(err, r.Docker.VolumeRemove(ctx, name))
	}
	r.Memory.PutBase(*b)
	return b, nil
}

func (r *Runner) fillVolume(ctx context.Context, name, image string, f Facts, tree *gitops.Tree) (*Base, error) {
	mountpoint, err := r.Docker.Mountpoint(ctx, name)
	if err != nil {
		return nil, err
	}
	in, out := io.Pipe()
	go func() {
		out.CloseWithError(tree.WriteTar(ctx, out, gitops.TarOptions{UID: f.UID, GID: f.GID, Prefix: baseFolder}))
	}()
	err = r.Docker.Fill(ctx, name, image, name+"-fill", r.labels(""), in)
	_ = in.Close() // ends the writer, if docker gave up first
	if err != nil {
		return nil, fmt.Errorf("copying %d files to the engine: %w", len(tree.Files), err)
	}
	manifest, err := stable(tree)
	return &Base{
		Engine: r.Engine, Root: r.Checkout.Repo.Root, Volume: name, Mountpoint: mountpoint,
		Tree: tree.Hash, UID: f.UID, GID: f.GID, Files: len(tree.Files), Bytes: tree.Bytes, Manifest: manifest,
	}, err
}

// stable encodes what surely lies in a base: a file that changed while it was
// read is left out, and so sent again by every run.
func stable(tree *gitops.Tree) ([]byte, error) {
	m := tree.Manifest()
	if unstable := tree.Unstable(); len(unstable) > 0 {
		m.Files = slices.DeleteFunc(slices.Clone(m.Files), func(f gitops.File) bool { return slices.Contains(unstable, f.Path) })
	}
	var b bytes.Buffer
	err := m.Encode(&b)
	return b.Bytes(), err
}

// renewFiles and renewBytes are how far a tree may be from its base before a
// new base is worth filling.
const (
	renewFiles = 1000
	renewBytes = 32 << 20
)

// renew fills a new base, beside the run, when too much had to be sent; and
// lets old ones go.
func (r *Runner) renew(v *view, sent []gitops.File) {
	var bytes int64
	for _, f := range sent {
		bytes += f.Size
	}
	r.bases.mu.Lock()
	defer r.bases.mu.Unlock()
	if r.bases.stale || len(sent) < renewFiles && bytes < renewBytes {
		return
	}
	r.bases.stale = true
	ctx, stop := context.WithCancel(context.Background())
	r.bases.stop = stop
	r.closing.Go(func() {
		defer stop()
		if _, err := r.fill(ctx, v.image, v.facts); err == nil { // else the next run tries again
			r.dropOldBases(ctx)
		}
	})
}

// dropOldBases removes the bases that Memory gives up.
func (r *Runner) dropOldBases(ctx context.Context) {
	for _, b := range r.Memory.OldBases(r.Engine) {
		if err := r.Docker.VolumeRemove(ctx, b.Volume); err == nil { // else a later run tries again
			r.Memory.DropBase(b)
		}
	}
}
