package runner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/runner/docker"
)

// A Visitor is in a kept container that lives again.
type Visitor struct {
	kept Kept
	cli  docker.CLI
	ct   *docker.Container
}

// visitDir lies in memory: what is written there never comes to a disk.
const visitDir = "/mnt/popsicle"

// doorkeeper is the first process of a kept container: it writes what comes
// in, up to the line that is its argument, where the shell reads it, and lives
// until its input ends.
const doorkeeper = `umask 077; while IFS= read -r l && [ "$l" != "$1" ]; do printf '%s\n' "$l"; done >"$0/env"; echo ready; while read -r l; do :; done`

// Visit brings a kept container back. Text, which may have secrets, goes in by
// its standard input.
func Visit(ctx context.Context, cli docker.CLI, k Kept, text string, lease *docker.Lease) (*Visitor, error) {
	token := uuid()
	labels := lease.Labels(fmt.Sprint(k.Pipeline))
	labels[docker.LabelJob] = k.Job
	ct, err := cli.Start(docker.Spec{
		Name: fmt.Sprintf("popsicle-%d-shell-%.8s", k.Pipeline, uuid()), Image: k.Image, Labels: labels, Mounts: k.Mounts,
		Entrypoint: []string{"/bin/sh"}, Command: []string{"-c", doorkeeper, visitDir, token}, Memories: []string{ramdisk, visitDir},
	})
	if err != nil {
		return nil, err
	}
	v := &Visitor{kept: k, cli: cli, ct: ct}
	out := bufio.NewReader(ct.Stdout)
	answer := make(chan error, 1)
	go func() {
		_, _ = io.WriteString(ct.Stdin, strings.TrimSuffix(text, "\n")+"\n"+token+"\n") // what is wrong, the answer tells
		line, err := out.ReadString('\n')
		if err == nil && line != "ready\n" {
			err = fmt.Errorf("container %s says %q", ct.Name, line)
		}
		answer <- err
	}()
	select {
	case err = <-answer:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return nil, v.failed(ctx, err)
	}
	return v, nil
}

// failed explains a container that did not come up.
func (v *Visitor) failed(ctx context.Context, err error) error {
	if ctx.Err() == nil && errors.Is(err, io.EOF) {
		if said := v.ct.Wait(); said != nil {
			err = said
		}
	}
	return errors.Join(err, v.Close())
}

// Shell runs a shell with the job's variables, in its directory, and returns
// its exit code.
func (v *Visitor) Shell(ctx context.Context, in, out, stderr *os.File, terminal bool) (int, error) {
	return v.cli.Interact(ctx, v.ct.Name, terminal, []string{"/bin/sh", "-c", entering(v.kept.Shell, terminal), visitDir + "/env"}, in, out, stderr)
}

// Close removes the container.
func (v *Visitor) Close() error {
	ctx, cancel := cleanup()
	defer cancel()
	return v.ct.Close(ctx, time.Second)
}
