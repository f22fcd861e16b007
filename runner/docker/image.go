package docker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// An Image is what the engine knows about one of its images.
type Image struct {
	ID     string // "sha256:…"
	Arch   string // "arm64"
	Config ImageConfig
}

// An ImageConfig is what an image says about how it is run.
type ImageConfig struct {
	User            string
	Entrypoint, Cmd []string
	Labels          map[string]string
}

// Image asks the engine about an image; NoSuchImage(err) where it has none.
func (c CLI) Image(ctx context.Context, ref string) (Image, error) {
	out, err := c.output(ctx, "image", "inspect", "--format", "{{.Id}} {{.Architecture}} {{json .Config}}", ref)
	if err != nil {
		return Image{}, err
	}
	fields := append(strings.SplitN(out, " ", 3), "", "", "")
	im := Image{ID: fields[0], Arch: fields[1]}
	if err := json.Unmarshal([]byte(fields[2]), &im.Config); err != nil {
		return Image{}, fmt.Errorf("image %s: docker image inspect: %w", ref, err)
	}
	return im, nil
}

// Pull pulls an image, as login where that is not nil, else as the client's
// own user; progress is told, now and then, how far each layer is.
func (c CLI) Pull(ctx context.Context, ref, platform string, login *Login, progress func(string)) error {
	if login != nil {
		as, forget, err := c.as(*login, ref)
		if err != nil {
			return fmt.Errorf("image %s: logging in: %w", ref, err)
		}
		err = as.Pull(ctx, ref, platform, nil, progress)
		return errors.Join(err, forget())
	}
	args := []string{"pull"}
	if platform != "" {
		args = append(args, "--platform", platform)
	}
	args = append(args, "--", c.dialect().pull(ref))
	cmd := c.command(ctx, args...)
	var stderr tail
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return c.failure(args, err, "")
	}
	follow(stdout, progress)
	err = cmd.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("image %s: %w", ref, c.failure(args, err, stderr.String()))
	}
	return nil
}

// follow reads docker's progress, a line an event of a layer, and says how
// many layers are done, at most twice a second.
func follow(r io.Reader, progress func(string)) {
	layers, done := map[string]bool{}, 0
	var said time.Time
	for lines := bufio.NewScanner(r); lines.Scan(); {
		layer, what, ok := strings.Cut(lines.Text(), ": ")
		if !ok || len(layer) != 12 {
			continue
		}
		if _, seen := layers[layer]; !seen {
			layers[layer] = false
		}
		if !layers[layer] && (what == "Pull complete" || what == "Already exists") {
			layers[layer] = true
			done++
		}
		if now := time.Now(); now.Sub(said) > time.Second/2 || done == len(layers) {
			said = now
			progress(fmt.Sprintf("%d of %d layers", done, len(layers)))
		}
	}
}
