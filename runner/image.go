package runner

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// Pull says when images are pulled.
type Pull string

// The ways to pull, as in docker.
const (
	PullMissing Pull = "if-missing" // when the engine lacks the image
	PullAlways  Pull = "always"     // once a run
	PullNever   Pull = "never"
)

// pulls are the images of a run: each is pulled at most once, whatever number
// of jobs waits.
type pulls struct {
	mu  sync.Mutex
	all map[wanted]*pull
}

// A wanted is an image as jobs ask for it.
type wanted struct {
	ref, platform string
	auth          plan.Auth // with its variables filled in: who pulls
}

type pull struct {
	once  sync.Once
	err   error
	amd64 atomic.Bool // it exists for no other architecture

	asking sync.Mutex
	image  docker.Image
}

func (r *Runner) pull(job *plan.Job, image plan.Image) *pull {
	w, im := wanted{ref: image.Name, platform: r.platform(image)}, &r.pulls
	if image.Auth != nil {
		w.auth, _ = r.filled(job, *image.Auth)
	}
	im.mu.Lock()
	defer im.mu.Unlock()
	if im.all == nil {
		im.all = map[wanted]*pull{}
	}
	if im.all[w] == nil {
		im.all[w] = &pull{}
	}
	return im.all[w]
}

// platform is what to ask of an image: by the command line or the config.
func (r *Runner) platform(image plan.Image) string {
	if p, ok := r.Platforms[image.Name]; ok {
		return p
	}
	if image.Platform != "" {
		return image.Platform
	}
	return r.Platform
}

// onlyPlatform is what there is when an image is for one architecture alone.
const onlyPlatform = "linux/amd64"

// pulled is platform, or what the only image of that name turned out to be.
func (r *Runner) pulled(job *plan.Job, image plan.Image) string {
	if r.pull(job, image).amd64.Load() {
		return onlyPlatform
	}
	return r.platform(image)
}

// fetch pulls an image for the platform that is asked for or, where none is,
// for the one it exists for.
func (r *Runner) fetch(ctx context.Context, at event.At, job *plan.Job, image plan.Image) error {
	p := r.pull(job, image)
	p.once.Do(func() {
		var login *docker.Login
		if login, p.err = r.login(ctx, job, image); p.err != nil {
			return
		}
		platform := r.platform(image)
		told := func(s string) {
			r.Out.Emit(event.Message{At: at, Level: event.Info, Text: "pulling " + image.Name + s})
		}
		told("")
		p.err = r.Docker.Pull(ctx, image.Name, platform, login, func(s string) { told(": " + s) })
		if platform == "" && docker.NoPlatform(p.err) {
			p.err = r.Docker.Pull(ctx, image.Name, onlyPlatform, login, func(s string) { told(": " + s) })
			p.amd64.Store(p.err == nil)
		}
		p.err = turnedAway(p.err, image, login)
	})
	return p.err
}

// missing explains an image that is not there and must not be pulled.
func (r *Runner) missing(image plan.Image, err error) error {
	return fmt.Errorf("%s: image %s is not on the engine and --pull never forbids to pull it: docker pull %s, or --pull if-missing: %w",
		image.Pos, image.Name, image.Name, err)
}

// inspect asks the engine about an image, until it knows it.
func (r *Runner) inspect(ctx context.Context, job *plan.Job, image plan.Image) (docker.Image, error) {
	p := r.pull(job, image)
	p.asking.Lock()
	defer p.asking.Unlock()
	if p.image.ID != "" {
		return p.image, nil
	}
	var err error
	p.image, err = r.Docker.Image(ctx, image.Name)
	return p.image, err
}
