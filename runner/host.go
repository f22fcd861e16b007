package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// thisHost is the engine of jobs that run without one.
const thisHost = "host"

// A site is where a job runs.
type site int

const (
	inContainer site = iota
	bareHost
	nowhere
)

// siteOf says where a job of a kind runs on a host of that system, which the
// user may have allowed for jobs. A machine is one of Linux: on a Mac that is a
// container still.
func siteOf(kind plan.Kind, goos string, allowed bool) site {
	switch {
	case allowed && kind == plan.Machine && goos == "linux", allowed && kind == plan.MacOS && goos == "darwin":
		return bareHost
	case kind == plan.MacOS:
		return nowhere
	}
	return inContainer
}

// OnHost says whether jobs of that kind run on this host itself, where the user
// allows it.
func OnHost(kind plan.Kind, goos string, allowed bool) bool {
	return siteOf(kind, goos, allowed) == bareHost
}

// noMac tells why a macos job does not run on a host of that system.
func noMac(p *plan.Job, goos string) Outcome {
	reason := "a macos job needs a Mac: there popsicle run --allow-host runs it"
	if goos == "darwin" {
		reason = "a macos job runs on this Mac itself, if popsicle run --allow-host allows it: it may do whatever you may"
	}
	return Outcome{Status: event.NotRun, Reason: fmt.Sprintf("%s: %s", p.Pos, reason)}
}

// onHost is a job as it is run where the user allows it this machine.
func onHost(p *plan.Job) *plan.Job {
	here := *p
	here.Images = []plan.Image{{Name: "this host", Pos: p.Pos}}
	return &here
}

// engine names what the job runs on.
func (j *job) engine() string {
	if j.host {
		return thisHost
	}
	return j.runner.Engine
}

// image is what is known of what the job runs in.
func (j *job) image(ctx context.Context) (docker.Image, error) {
	if j.host {
		return docker.Image{Arch: runtime.GOARCH}, nil
	}
	return j.runner.inspect(ctx, j.plan, j.plan.Images[0])
}

// settle starts the job's shell on this host, and says so.
func (j *job) settle(ctx context.Context) error {
	text := fmt.Sprintf("%s: job %s runs on this host, without a container (--allow-host): it may do whatever %s may",
		j.plan.Pos, j.plan.Name, j.runner.Build.User)
	j.runner.once(event.At{Pipeline: j.at.Pipeline}, text)
	ct, err := docker.OnHost(j.name, bootstrap, "popsicle")
	if err != nil {
		return fmt.Errorf("on this host: %w", err)
	}
	s := newSession(wireTo(ct), j.output)
	if err = s.meet(ctx); err == nil && !s.hello.Tar {
		err = errors.New("on this host: a job needs tar, and a dd that knows iflag=fullblock, on the PATH")
	}
	if err != nil {
		j.dismiss(s, ct, nil)
		return err
	}
	j.container, j.session = ct, s
	j.facts = &Facts{UID: os.Getuid(), GID: os.Getgid(), Home: s.hello.Home}
	j.say("On this host, without a container. HOME is the new folder %s, which is removed with the job\n", s.hello.Home)
	return nil
}
