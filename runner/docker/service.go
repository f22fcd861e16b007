package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// A Service is a container that runs what its image is made for, beside
// another that is live, and the docker client that shows what it writes.
type Service struct {
	Name string

	cli  CLI
	done chan struct{}
	code int
	err  error
}

// Serve runs a container whose output, both kinds of it, goes to out as it
// comes. It does not wait for anything: also a container that the engine
// refuses is heard of in out, and by Wait. Remove ends it.
func (c CLI) Serve(s Spec, out io.Writer) (*Service, error) {
	args := append([]string{"run"}, c.dialect().fit(s).rest()...)
	cmd := c.command(context.Background(), args...)
	_, env := s.environment()
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, c.failure(args, err, "")
	}
	v := &Service{Name: s.Name, cli: c, done: make(chan struct{})}
	go func() {
		err := cmd.Wait()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			v.code = exit.ExitCode()
		} else {
			v.err = err
		}
		close(v.done)
	}()
	return v, nil
}

// Wait returns the exit code of the container's program, once it has ended:
// 125 where the engine refused to run it.
func (s *Service) Wait() (int, error) {
	<-s.done
	return s.code, s.err
}

// Gone waits until nothing is left of a container that was removed: also of
// one that was only being made then.
func (s *Service) Gone(ctx context.Context) error {
	for {
		select {
		case <-s.done:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("container %s: %w", s.Name, ctx.Err())
		case <-time.After(time.Second):
			if err := s.cli.Remove(ctx, s.Name); err != nil {
				return err
			}
		}
	}
}

// A Will removes containers if this process ends without a word, however it
// ends. What shares the network of a live container does not end with it.
type Will struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// will waits for a word. Removing is tried again, for a container may just be
// in the making.
const will = `read -r _ && exit
trap '' HUP INT TERM
for _ in 1 2 3; do "$@"; sleep 1; done >/dev/null 2>&1`

// Bequeath leaves the containers of these names, there already or not, to a
// shell on this host. Revoke ends it.
func (c CLI) Bequeath(names ...string) (*Will, error) {
	rm := c.command(context.Background(), append(c.dialect().remove, names...)...)
	return newWill(will, rm.Env, rm.Args...)
}

// newWill starts a shell that reads this process's last word.
func newWill(script string, env []string, args ...string) (*Will, error) {
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, "popsicle"}, args...)...)
	cmd.Env, cmd.SysProcAttr = env, &syscall.SysProcAttr{Setpgid: true}
	cmd.Dir = "/" // it must not keep a folder busy
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Will{cmd, stdin}, nil
}

// Revoke says the word: the containers are taken care of.
func (w *Will) Revoke() {
	_, _ = io.WriteString(w.stdin, "\n") // a shell that is gone removes nothing either
	_ = w.stdin.Close()
	_ = w.cmd.Wait()
}

// execute does now what would be done at the end of this process.
func (w *Will) execute() error {
	_ = w.stdin.Close() // a shell that is gone tells so below
	return w.cmd.Wait()
}
