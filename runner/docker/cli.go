// Package docker is the docker command line: every method is one docker
// invocation, and nothing else in popsicle starts docker. It knows containers,
// images and volumes, but not what a job is.
package docker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// A CLI runs the docker command line. The user's DOCKER_HOST and docker
// contexts hold as they do for docker itself.
type CLI struct {
	Bin  string   // the program: "docker", "podman" or a path
	Host string   // engine to talk to (--host); empty: docker's own choice
	Env  []string // more environment, "NAME=value", for the client process
}

// command prepares one invocation in a process group of its own, so that a
// Ctrl-C in the terminal reaches popsicle alone.
func (c CLI) command(ctx context.Context, args ...string) *exec.Cmd {
	if c.Host != "" {
		args = append([]string{"--host", c.Host}, args...)
	}
	cmd := exec.CommandContext(ctx, c.bin(), args...)
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 2 * time.Second // a child that keeps the pipes open must not keep us
	return cmd
}

func (c CLI) bin() string {
	if c.Bin == "" {
		return "docker"
	}
	return c.Bin
}

// output runs docker and returns what it printed, without the last newline.
func (c CLI) output(ctx context.Context, args ...string) (string, error) {
	return c.pipe(ctx, nil, args...)
}

// pipe is output with something on standard input.
func (c CLI) pipe(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := c.command(ctx, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err() // before the exit code: an interrupted client exits 0
	}
	if err != nil {
		return "", c.failure(args, err, stderr.String())
	}
	return strings.TrimRight(stdout.String(), "\n"), nil
}

// Version asks the engine for its version and architecture ("amd64",
// "arm64"): the cheapest question that tells whether it is there.
func (c CLI) Version(ctx context.Context) (version, arch string, err error) {
	out, err := c.output(ctx, "version", "--format", "{{.Server.Version}} {{.Server.Arch}}")
	if err != nil {
		return "", "", err
	}
	version, arch, _ = strings.Cut(out, " ")
	return version, arch, nil
}

// failure makes an error of an invocation that did not do its part.
func (c CLI) failure(args []string, err error, stderr string) error {
	if errors.Is(err, exec.ErrNotFound) {
		return &Error{Args: args, Text: c.bin() + " is not on the PATH", Err: err}
	}
	return &Error{Args: args, Text: lastLines(stderr), Err: err}
}

// fewLines is how much of what docker said a reader wants to see.
const fewLines = 5

// lastLines returns the last few lines of text that say something, joined.
func lastLines(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "Run 'docker ") && !strings.HasPrefix(line, "See 'docker ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-fewLines):], "; ")
}
