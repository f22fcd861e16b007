// Package docker is the docker command line: every method is one docker
// invocation, and nothing else in popsicle starts docker. It knows containers,
// images and volumes, but not what a job is.
package docker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
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

	Together *Together // of all who share the client; nil: each removes alone
}

// command prepares one invocation in a process group of its own, so that a
// Ctrl-C in the terminal reaches popsicle alone.
func (c CLI) command(ctx context.Context, args ...string) *exec.Cmd {
	if c.Host != "" {
		args = append([]string{"--host", c.Host}, args...)
	}
	cmd := exec.CommandContext(ctx, c.Program(), args...)
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 2 * time.Second // a child that keeps the pipes open must not keep us
	return cmd
}

// Program is the client, as it was named.
func (c CLI) Program() string {
	if c.Bin == "" {
		return "docker"
	}
	return c.Bin
}

// name is what the client calls itself.
func (c CLI) name() string { return filepath.Base(c.Program()) }

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
	out, err := c.output(ctx, "version", "--format", c.dialect().version)
	if err != nil {
		return "", "", err
	}
	version, arch, _ = strings.Cut(out, " ")
	return version, path.Base(arch), nil // podman says "linux/amd64"
}

// Installed tells whether the program is there, without starting it.
func (c CLI) Installed() error {
	if _, err := exec.LookPath(c.Program()); err != nil {
		return c.failure(nil, err, "")
	}
	return nil
}

// failure makes an error of an invocation that did not do its part.
func (c CLI) failure(args []string, err error, stderr string) error {
	e := &Error{Client: c.name(), Args: args, Text: lastLines(stderr), Err: err}
	switch {
	case errors.Is(err, exec.ErrNotFound):
		e.Text = c.Program() + " is not on the PATH"
	case errors.Is(err, fs.ErrNotExist):
		e.Text = "there is no program " + c.Program()
	case errors.Is(err, fs.ErrPermission):
		e.Text = c.Program() + " is no program that may be run"
	}
	return e
}

// fewLines is how much of what docker said a reader wants to see.
const fewLines = 5

// chatter begins lines of docker's and podman's that say nothing of what went wrong.
var chatter = []string{"Run 'docker ", "See 'docker ", "See 'podman ", "Emulate Docker CLI using podman", "Trying to pull ", "Copying ", "Getting image source signatures", `time="`}

// lastLines returns the last few lines of text that say something, joined.
func lastLines(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !slices.ContainsFunc(chatter, func(begin string) bool { return strings.HasPrefix(line, begin) }) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-fewLines):], "; ")
}
