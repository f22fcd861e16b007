package runner

import (
	"context"
	"fmt"
	"sync"

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

// images pulls each image at most once a run, whatever number of jobs waits.
type images struct {
	mu    sync.Mutex
	pulls map[string]*pull
}

type pull struct {
	once     sync.Once
	platform string
	err      error

	asking sync.Mutex
	image  docker.Image
}

func (im *images) pull(ref string) *pull {
	im.mu.Lock()
	defer im.mu.Unlock()
	if im.pulls == nil {
		im.pulls = map[string]*pull{}
	}
	if im.pulls[ref] == nil {
		im.pulls[ref] = &pull{}
	}
	return im.pulls[ref]
}

// platform is what to ask of an image: by the config, the command line, or
// what the only image of that name turned out to be.
func (r *Runner) platform(image plan.Image) string {
	if p, ok := r.Platforms[image.Name]; ok {
		return p
	}
	if image.Platform != "" {
		return image.Platform
	}
	return r.Platform
}

// fetch pulls an image, and returns the platform it exists for where that is
// not what was asked.
func (r *Runner) fetch(ctx context.Context, at event.At, image plan.Image) (platform string, err error) {
	p := r.images.pull(image.Name)
	p.once.Do(func() {
		p.platform = r.platform(image)
		told := func(s string) {
			r.Out.Emit(event.Message{At: at, Level: event.Info, Text: "pulling " + image.Name + s})
		}
		told("")
		p.err = r.Docker.Pull(ctx, image.Name, p.platform, func(s string) { told(": " + s) })
		if p.platform == "" && docker.NoPlatform(p.err) {
			p.platform = "linux/amd64" // what there is when an image is for one architecture alone
			p.err = r.Docker.Pull(ctx, image.Name, p.platform, func(s string) { told(": " + s) })
		}
	})
	return p.platform, p.err
}

// missing explains an image that is not there and must not be pulled.
func (r *Runner) missing(image plan.Image, err error) error {
	return fmt.Errorf("%s: image %s is not on the engine and --pull never forbids to pull it: docker pull %s, or --pull if-missing: %w",
		image.Pos, image.Name, image.Name, err)
}

// inspect asks the engine about an image, until it knows it.
func (r *Runner) inspect(ctx context.Context, ref string) (docker.Image, error) {
	p := r.images.pull(ref)
	p.asking.Lock()
	defer p.asking.Unlock()
	if p.image.ID != "" {
		return p.image, nil
	}
	var err error
	p.image, err = r.Docker.Image(ctx, ref)
	return p.image, err
}
