package docker

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
)

// Commit makes an image of a container, which has its labels.
func (c CLI) Commit(ctx context.Context, container, image string) error {
	_, err := c.output(ctx, "commit", container, image)
	return err
}

// ImageRemove removes images; those already gone are fine.
func (c CLI) ImageRemove(ctx context.Context, names ...string) error {
	var all error
	for _, name := range names {
		if _, err := c.output(ctx, "image", "rm", name); err != nil && !NoSuchImage(err) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// Images lists the images with a label of this value.
func (c CLI) Images(ctx context.Context, label, value string) (names []string, err error) {
	out, err := c.output(ctx, "image", "ls", "--filter", "label="+label+"="+value, "--format", "{{.Repository}}:{{.Tag}}")
	return strings.Fields(out), err
}

// Interact runs a command in a live container with the caller's own terminal,
// or with what its input and output are where they are none, and returns its
// exit code.
func (c CLI) Interact(ctx context.Context, container string, terminal bool, command []string, in io.Reader, out, stderr io.Writer) (int, error) {
	args := []string{"exec", "--interactive"}
	if terminal {
		args = append(args, "--tty")
	}
	args = append(append(args, container), command...)
	cmd := c.command(ctx, args...)
	cmd.SysProcAttr = nil // of the group that the terminal listens to
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode(), nil
	case err != nil:
		return 0, c.failure(args, err, "")
	}
	return 0, nil
}
