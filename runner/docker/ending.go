package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Close ends the container by the end of its input, and after patience by
// force. It returns when nothing of it is left, or when ctx ends.
func (ct *Container) Close(ctx context.Context, patience time.Duration) error {
	ct.endInput()
	if ct.host != nil {
		return ct.host.close(ctx)
	}
	if ct.stays {
		return ct.Kill(ctx)
	}
	select {
	case <-ct.done:
		if ct.lost() || ct.needed() {
			return ct.cli.Remove(ctx, ct.Name)
		}
		return nil
	case <-time.After(patience):
	case <-ctx.Done():
	}
	return ct.Kill(ctx)
}

// endInput tells the container to end.
func (ct *Container) endInput() {
	_ = ct.Stdin.Close() // it may have gone with the client
	go func() { _, _ = io.Copy(io.Discard, ct.Stdout) }()
}

// End ends the container as Close does, but leaves one that Stays where it is.
func (ct *Container) End(ctx context.Context, patience time.Duration) error {
	ct.endInput()
	select {
	case <-ct.done:
		return nil
	case <-time.After(patience):
	case <-ctx.Done():
		return ctx.Err()
	}
	if _, err := ct.cli.output(ctx, "kill", ct.Name); err != nil {
		return err
	}
	select {
	case <-ct.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lost says whether the client ended for a reason of its own (125): an engine
// that restarts loses its clients, and may keep their containers.
func (ct *Container) lost() bool {
	var exit *exec.ExitError
	return errors.As(ct.err, &exit) && exit.ExitCode() == 125
}

// needed says whether podman left the container, though it has ended, for the
// sake of another that shares its network.
func (ct *Container) needed() bool {
	return strings.Contains(ct.stderr.String(), "has dependent containers")
}

// Kill removes the container at once.
func (ct *Container) Kill(ctx context.Context) error {
	there, err := ct.cli.remove(ctx, ct.Name)
	if err != nil {
		_ = ct.cmd.Process.Kill() // an engine that cannot remove will not end the client either
		return fmt.Errorf("container %s: %w", ct.Name, err)
	}
	if ct.stays && !there {
		return ct.removeLate(ctx)
	}
	select {
	case <-ct.done:
	case <-time.After(2 * time.Second):
		_ = ct.cmd.Process.Kill() // the container is gone; the client hangs on a lost connection
	}
	return nil
}

// removeLate removes a container that the client had not made yet when it was
// to go: once it has, the end of its input ends it.
func (ct *Container) removeLate(ctx context.Context) error {
	select {
	case <-ct.done:
	case <-ctx.Done():
		_ = ct.cmd.Process.Kill()
	}
	return ct.cli.Remove(context.WithoutCancel(ctx), ct.Name)
}

// Remove removes containers, running or not; those already gone are fine.
func (c CLI) Remove(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	_, err := c.remove(ctx, names...)
	return err
}

// remove says too whether the first was there to be removed.
func (c CLI) remove(ctx context.Context, names ...string) (there bool, err error) {
	removed, err := c.jointly(ctx, c.dialect().remove, names...)
	if err != nil && Gone(err) {
		err = nil
	}
	there = removed != "" && (!c.dialect().echoes || slices.Contains(strings.Fields(removed), names[0]))
	return there, canceled(ctx, err)
}
