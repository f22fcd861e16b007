package runner

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// socket is where docker looks for its engine, in containers too.
const socket = "/var/run/docker.sock"

// A plug is a job's own way to the engine that it runs on. A container has it
// only if the job has a step that asks for it.
type plug struct {
	refused bool   // the engine's host has no such socket
	group   string // of the socket: who is not root needs it
}

// plugged says whether the job's container gets the engine's socket.
func (j *job) plugged() bool {
	return j.plan.Kind != plan.Machine && !j.plug.refused && slices.ContainsFunc(j.plan.Steps, func(s plan.Step) bool {
		_, asks := s.Do.(plan.SetupRemoteDocker)
		return asks
	})
}

// socketOnHost is the socket's path on the engine's host, and its group where
// that can be seen from here.
func (r *Runner) socketOnHost() (path, group string) {
	path, seen := r.Docker.Socket()
	if !seen {
		return path, ""
	}
	info, err := os.Stat(path)
	if err != nil {
		return path, "" // the engine refuses it, and says so
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		group = fmt.Sprint(s.Gid)
	}
	return path, group
}

// connect adds the engine's socket to what a container is made of.
func (j *job) connect(s *docker.Spec) {
	if !j.plugged() {
		return
	}
	path, group := j.runner.socketOnHost()
	if j.plug.group == "" {
		j.plug.group = group
	}
	s.Mounts = append(s.Mounts, docker.Mount{Target: socket, Bind: path, Writable: true})
	if j.plug.group != "" {
		s.Groups = append(s.Groups, j.plug.group)
	}
}

// admitted says whether the container's user can use the socket. Where its
// group cannot be seen from here, the first container tells it.
func (j *job) admitted(ctx context.Context) bool {
	if !j.plugged() || j.plug.group != "" || j.facts.UID == 0 {
		return true
	}
	var out strings.Builder
	code, _, err := j.outside(ctx, "stat -c %g "+socket, nil, &out)
	group := strings.TrimSpace(out.String())
	if _, bad := strconv.Atoi(group); err != nil || code != 0 || bad != nil {
		return true // the step will tell
	}
	j.plug.group = group
	return false
}

// podmanService says what gives podman a socket: it needs none by itself.
func podmanService(cli docker.CLI) string {
	if docker.IsPodman(cli.Program()) {
		return ": systemctl enable --now podman.socket starts podman's"
	}
	return ""
}

// setupRemoteDocker tells the job of its way to a Docker engine, which it has
// had from the start: a mount cannot be added later.
func (j *job) setupRemoteDocker(ctx context.Context, _ plan.Step, _ plan.SetupRemoteDocker) (event.StepFinished, error) {
	where := "The docker commands of this job reach the engine that it runs on, " + j.runner.Engine + ": it has the images that are there, and what the job makes there stays after the job"
	switch {
	case j.host:
		j.say("The docker commands of this job reach the engine of this host\n")
		return event.StepFinished{Status: event.Success}, nil
	case j.plan.Kind == plan.Machine:
		j.say("A machine has a Docker engine of its own, or none\n")
		return event.StepFinished{Status: event.Success}, nil
	case j.plug.refused:
		path, _ := j.runner.socketOnHost()
		return event.StepFinished{Status: event.Failed, Reason: "the engine's host has no " + path + " to give to the job" + podmanService(j.runner.Docker)}, nil
	}
	j.say("%s\n", where)
	code, err := j.session.eval(ctx, "export DOCKER_HOST=unix://"+socket+"; [ -w "+socket+" ]")
	if err != nil {
		return event.StepFinished{}, err
	}
	if code != 0 {
		return event.StepFinished{Status: event.Failed, Reason: fmt.Sprintf(
			"user %d of %s may not use the engine's socket: set `user: root` on the image", j.facts.UID, j.plan.Images[0].Name)}, nil
	}
	code, err = j.session.eval(ctx, "command -v docker >/dev/null")
	if code != 0 {
		j.say("%s has no docker command: install one, or use an image that has it, such as cimg/base\n", j.plan.Images[0].Name)
	}
	return event.StepFinished{Status: event.Success}, err
}
