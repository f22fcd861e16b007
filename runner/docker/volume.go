package docker

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// VolumeCreate makes a volume of the local driver and returns where the
// engine keeps it on its own host.
func (c CLI) VolumeCreate(ctx context.Context, name string, labels map[string]string) error {
	args := []string{"volume", "create"}
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		args = append(args, "--label", label+"="+labels[label])
	}
	_, err := c.output(ctx, append(args, name)...)
	return err
}

// MakeVolumes makes the volumes of mounts where a container's start would not
// give them their labels.
func (c CLI) MakeVolumes(ctx context.Context, mounts []Mount) error {
	if c.dialect().tagged {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, m := range mounts {
		g.Go(func() error { return c.VolumeCreate(ctx, m.Volume, m.Labels) })
	}
	return g.Wait()
}

// VolumeRemove removes volumes; those already gone are fine.
func (c CLI) VolumeRemove(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	_, err := c.jointly(ctx, []string{"volume", "rm"}, names...)
	if err != nil && Gone(err) {
		return nil
	}
	return err
}

// Mountpoint returns where the engine keeps a volume on its own host.
func (c CLI) Mountpoint(ctx context.Context, name string) (string, error) {
	return c.output(ctx, "volume", "inspect", "--format", "{{.Mountpoint}}", name)
}

// Fill unpacks a tar into a volume, keeping the owners the tar names. It goes
// through a container that is made from image and never started, so it works
// with any engine, and needs nothing of the image.
func (c CLI) Fill(ctx context.Context, volume, image, container string, labels map[string]string, tar io.Reader) error {
	const target = "/tree"
	args := []string{"create", "--name", container, "--pull", "never", "--entrypoint", "/bin/sh"}
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		args = append(args, "--label", label+"="+labels[label])
	}
	args = append(args, "--mount", Mount{Target: target, Volume: volume}.arg(), image)
	_, err := c.output(ctx, args...)
	if err == nil {
		err = c.CopyInto(ctx, container, target, tar)
	}
	// A create that was canceled may have made the container.
	if rmErr := c.Remove(context.WithoutCancel(ctx), container); err == nil {
		err = rmErr
	}
	return err
}

// CopyInto unpacks a tar into a folder of a container, running or not,
// keeping the owners the tar names.
func (c CLI) CopyInto(ctx context.Context, container, dir string, tar io.Reader) error {
	_, err := c.pipe(ctx, tar, append(c.dialect().copyIn, "-", container+":"+dir)...)
	return err
}

// Named lists the containers that run and whose names begin so.
func (c CLI) Named(ctx context.Context, name string) ([]string, error) {
	out, err := c.output(ctx, "ps", "--filter", "name="+name, "--format", "{{.Names}}")
	return slices.DeleteFunc(strings.Fields(out), func(n string) bool { return !strings.HasPrefix(n, name) }), err
}

// Labelled lists the containers (kind "container") or volumes (kind "volume")
// that carry a label, each with the values of the labels asked for.
func (c CLI) Labelled(ctx context.Context, kind, label string, values ...string) (map[string][]string, error) {
	format := "{{.Name}}"
	args := []string{"volume", "ls"}
	if kind == "container" {
		format = "{{.Names}}"
		args = []string{"ps", "--all", "--no-trunc"}
	}
	for _, v := range values {
		format += "\t" + fmt.Sprintf(c.dialect().label, v)
	}
	out, err := c.output(ctx, append(args, "--filter", "label="+label, "--format", format)...)
	if err != nil || out == "" {
		return nil, err
	}
	found := map[string][]string{}
	for line := range strings.SplitSeq(out, "\n") {
		if fields := strings.Split(line, "\t"); len(fields) == 1+len(values) { // else a value holds what no label of ours does
			found[fields[0]] = fields[1:]
		}
	}
	return found, nil
}
