package runner

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// Services are the job's other images. They share the network of the primary
// container, so that everything is on localhost; a bridge with names on it
// would be something else than CircleCI has.
// https://circleci.com/docs/guides/execution-managed/using-docker/

// services are the running ones of a job.
type services struct {
	names   []string // of the containers
	running []*docker.Service
	will    *docker.Will // removes them should popsicle die

	cpus   int   // that each may have; 0: all
	memory int64 // bytes that each may have; 0: all
}

// haveServices makes sure that the engine has the images of the services,
// while the primary container starts.
func (j *job) haveServices(ctx context.Context) *errgroup.Group {
	g, ctx := errgroup.WithContext(ctx)
	for _, image := range j.plan.Images[1:] {
		g.Go(func() error { return j.have(ctx, image) })
	}
	return g
}

// have makes sure that the engine has an image.
func (j *job) have(ctx context.Context, image plan.Image) error {
	r := j.runner
	if r.Pull == PullAlways {
		return j.fetch(ctx, image)
	}
	_, err := r.inspect(ctx, j.plan, image)
	switch {
	case !docker.NoSuchImage(err):
		return err
	case r.Pull == PullNever:
		return r.missing(image, err)
	}
	return j.fetch(ctx, image)
}

// startServices starts the services, all at once, without waiting for any to
// be of use: that is for the steps to do, as it is on CircleCI.
func (j *job) startServices() error {
	images := j.plan.Images[1:]
	if len(images) == 0 {
		return nil
	}
	for i := range images {
		j.services.names = append(j.services.names, fmt.Sprintf("%s-service%d", j.container.Name, i+1))
	}
	var err error
	if j.services.will, err = j.runner.Docker.Bequeath(j.services.names...); err != nil {
		return fmt.Errorf("services: %w", err)
	}
	for i, image := range images {
		if err := j.startService(j.services.names[i], image); err != nil {
			return fmt.Errorf("service %s: %w", image.Name, err)
		}
	}
	return nil
}

func (j *job) startService(name string, image plan.Image) error {
	c := j.companion("service", "Container "+image.Name, image.Pos)
	s, err := j.runner.Docker.Serve(docker.Spec{
		Name: name, Image: image.Name, Entrypoint: image.Entrypoint, Command: image.Command,
		User: image.User, Platform: j.runner.pulled(j.plan, image), Labels: j.runner.labels(j.plan.Name),
		Env: assignments(image.Env), Network: "container:" + j.container.Name, CPUs: j.services.cpus, Memory: j.services.memory,
	}, companionOutput{j, c.step})
	if err != nil {
		return err
	}
	j.services.running = append(j.services.running, s)
	j.say("Starting service %s\n", image.Name)
	go func() {
		code, err := s.Wait()
		if err != nil {
			j.output(c.step, []byte(err.Error()+"\n"))
		}
		j.died(c, code)
	}()
	return nil
}

// assignments are variables as docker takes them.
func assignments(vars []plan.Var) []string {
	var all []string
	for _, v := range vars {
		all = append(all, v.Name+"="+v.Value)
	}
	return all
}

// hosts are the names that a job's containers have, next to localhost. Docker
// writes them into /etc/hosts of the primary, which the services share.
func hosts(images []plan.Image) []string {
	var names []string
	for _, image := range images {
		if image.Host != "" {
			names = append(names, image.Host)
		}
	}
	return names
}

// endServices removes the services, off the way of the jobs that wait.
func (j *job) endServices() {
	if j.services.will == nil {
		return
	}
	r := j.runner
	r.closing.Go(func() {
		ctx, cancel := cleanup()
		defer cancel()
		r.leave(r.Docker.Remove(ctx, j.services.names...))
		for _, s := range j.services.running {
			r.leave(s.Gone(ctx))
		}
		j.services.will.Revoke()
	})
}
