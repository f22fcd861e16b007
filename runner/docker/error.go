package docker

import (
	"cmp"
	"context"
	"errors"
	"strings"
)

// An Error is a docker invocation that did not do its part.
type Error struct {
	Client string   // the program's name; empty: docker
	Args   []string // of the invocation; never holds a secret
	Text   string   // what docker said
	Err    error    // how its process ended
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(strings.TrimSpace(cmp.Or(e.Client, "docker")+" "+e.verb()) + ": ")
	if e.Text == "" {
		b.WriteString(e.Err.Error())
	} else {
		b.WriteString(strings.TrimPrefix(e.Text, "docker: "))
	}
	if hint := e.hint(); hint != "" {
		b.WriteString("\n  " + hint)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// verb returns the docker command of the invocation, without its arguments.
func (e *Error) verb() string {
	args := e.Args
	if len(args) > 2 && args[0] == "--host" {
		args = args[2:]
	}
	if len(args) == 0 {
		return ""
	}
	switch args[0] {
	case "image", "volume", "container", "network":
		return strings.Join(args[:min(2, len(args))], " ")
	}
	return args[0]
}

const otherClient = "install docker (https://docs.docker.com/get-docker/) or podman (https://podman.io), or name another client, or its path, with --engine or POPSICLE_ENGINE"

// hints are what to do next, by what docker said.
var hints = []struct{ said, hint string }{
	{"is not on the PATH", otherClient},
	{"there is no program", otherClient},
	{"is no program that may be run", otherClient},
	{"Cannot connect to the Docker daemon", "start the engine (Docker Desktop, colima start, or systemctl start docker), or set DOCKER_HOST"},
	{"error during connect", "the engine at DOCKER_HOST or in the docker context does not answer: docker context ls"},
	{"error waiting for container", "the connection to the engine broke: it was stopped or started again, or the network is gone; docker version tells whether it is back"},
	{"permission denied while trying to connect", "add yourself to the docker group (sudo usermod -aG docker $USER), then log in again"},
	{"no space left on device", "the engine's disk is full: docker system df shows what docker holds, popsicle gc removes what popsicle keeps there"},
	{"toomanyrequests", "the registry limits how often you pull: docker login raises the limit"},
	{"pull access denied", "check the image's name; for a private one: docker login REGISTRY"},
	{"no such host", "the registry cannot be reached: check the network, or give the engine the image (docker load)"},
	{"dial tcp", "the registry cannot be reached: check the network, or give the engine the image (docker load)"},
	{"manifest unknown", "the registry has no such tag: check the image's name"},
	{"Cannot connect to Podman", "start podman's machine (podman machine start), or look at CONTAINER_HOST and podman system connection list"},
	{"container-init binary not found", "podman needs catatonit to be a container's first process: apt install catatonit, dnf install catatonit"},
	{"error setting rlimit", "podman asks for higher limits than this user has: set default_ulimits in containers.conf, see https://github.com/containers/common/blob/main/docs/containers.conf.5.md"},
	{"no matching manifest for", "the image is not built for this architecture: try --platform linux/amd64"},
}

func (e *Error) hint() string {
	for _, h := range hints {
		if strings.Contains(e.Text, h.said) {
			return h.hint
		}
	}
	return ""
}

// says tells whether err is docker's and its text holds one of parts.
func says(err error, parts ...string) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	for _, part := range parts {
		if strings.Contains(strings.ToLower(e.Text), part) {
			return true
		}
	}
	return false
}

// NoSuchImage says whether err means that the engine lacks the image.
func NoSuchImage(err error) bool {
	return says(err, "no such image", "unable to find image", "not known locally", "image not known")
}

// NoMount says whether err means that the engine refuses a mount that was
// asked for: an overlay volume, or a path of this host that it cannot see.
func NoMount(err error) bool {
	return says(err, "failed to mount", "mount", "bind source path does not exist", "invalid volume", "volume", "statfs ")
}

// NoPrivilege says whether err means that the engine cannot run a container
// with all privileges: it does not have them itself.
func NoPrivilege(err error) bool { return says(err, "operation not permitted", "privileged") }

// NoPlatform says whether err means that the registry has the image, but for
// other architectures alone.
func NoPlatform(err error) bool {
	return says(err, "no matching manifest for", "no image found in manifest list for", "no image found in image index for")
}

// Gone says whether err is about an object that is not there any more, or
// that someone else is removing: nothing left to do.
func Gone(err error) bool {
	return says(err, "no such container", "no such volume", "already in progress", "get volume: not found")
}

// NotRunning says whether err means that a container has ended.
func NotRunning(err error) bool { return says(err, "is not running") }

// canceled says whether ctx ended, whatever else went wrong.
func canceled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
