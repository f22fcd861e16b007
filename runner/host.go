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

// onHost is a machine job as it is run where the user allows it this machine.
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
	if runtime.GOOS != "linux" {
		return fmt.Errorf("%s: --allow-host runs jobs on Linux alone: leave it out, and the job runs in a container", j.plan.Pos)
	}
	text := fmt.Sprintf("%s: job %s runs on this host, without a container (--allow-host): it may do whatever %s may",
		j.plan.Pos, j.plan.Name, j.runner.Build.User)
	j.runner.once(event.At{Pipeline: j.at.Pipeline}, text)
	ct, err := docker.OnHost(j.name, bootstrap, "popsicle")
	if err != nil {
		return fmt.Errorf("on this host: %w", err)
	}
	s := newSession(wireTo(ct), j.output)
	if err = s.meet(ctx); err == nil && !s.hello.Tar {
		err = errors.New("on this host: a job needs tar and dd on the PATH")
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
