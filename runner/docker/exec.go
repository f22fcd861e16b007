package docker

import (
	"context"
	"errors"
	"io"
	"os/exec"
)

// Exec runs a command in a live container, as user, or as the container's own
// where user is empty. What it writes goes to out, and is never an error: a
// code that is not 0 is the command's own, and said is the end of what it
// wrote to standard error. Cancelling ctx ends the client alone; the command
// goes with its container.
func (c CLI) Exec(ctx context.Context, container, user string, command []string, in io.Reader, out io.Writer) (code int, said string, err error) {
	args := []string{"exec"}
	if in != nil {
		args = append(args, "--interactive")
	}
	if user != "" {
		args = append(args, "--user", user)
	}
	args = append(append(args, container), command...)
	return c.exec(ctx, c.command(ctx, args...), args, in, out)
}

// Exec runs a script beside what runs in the container, by CLI.Exec.
func (ct *Container) Exec(ctx context.Context, user, script string, in io.Reader, out io.Writer) (code int, said string, err error) {
	if ct.host != nil {
		return ct.cli.exec(ctx, ct.host.command(ctx, script), []string{"exec"}, in, out)
	}
	return ct.cli.Exec(ctx, ct.Name, user, []string{"/bin/sh", "-c", script}, in, out)
}

// exec runs a command to its end.
func (c CLI) exec(ctx context.Context, cmd *exec.Cmd, args []string, in io.Reader, out io.Writer) (code int, said string, err error) {
	var stderr tail
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, "", ctx.Err() // before the exit code: an interrupted client exits 0
	case errors.As(err, &exit) && exit.ExitCode() > 0 && !engineSpoke(stderr.String()):
		return exit.ExitCode(), lastLines(stderr.String()), nil
	case err != nil:
		return 0, "", c.failure(args, err, stderr.String())
	}
	return 0, lastLines(stderr.String()), nil
}

// engineSpoke says whether the client failed for the engine's reasons, which
// exit with the same codes as commands do.
func engineSpoke(stderr string) bool {
	return says(&Error{Text: stderr}, "error response from daemon", "cannot connect to the docker daemon", "error during connect",
		"error: no container with name or id", "error: can only create exec sessions on running", "error: unable to find user", "cannot connect to podman")
}

// CopyOut writes a tar of a path of a container, running or not, to out. It
// needs no tar in the image, and reads as the engine does: everything.
func (c CLI) CopyOut(ctx context.Context, container, path string, out io.Writer) error {
	var stderr tail
	args := []string{"cp", container + ":" + path, "-"}
	cmd := c.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = out, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return c.failure(args, err, stderr.String())
	}
	return nil
}
