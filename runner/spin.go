package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// spin starts the container, and starts it again with what it learns from
// each failure: pulled, asked for its user, or without what is refused.
func (j *job) spin(ctx context.Context, image plan.Image) error {
	if j.host {
		return j.settle(ctx)
	}
	if j.runner.Pull == PullAlways && j.resume == nil {
		if err := j.fetch(ctx, image); err != nil {
			return err
		}
	}
	var err error
	for range 8 { // each kind of failure once, and the start that succeeds
		var mounts []docker.Mount
		if mounts, err = j.mounts(ctx); err == nil || errors.Is(err, errProbe) {
			probe := err != nil
			if err = j.start(ctx, image, mounts); err == nil {
				if !probe && j.fits() && j.owned(ctx) && j.admitted(ctx) {
					return nil
				}
				j.abandon()
				continue
			}
		}
		if why := j.learn(ctx, image, err); why != nil {
			return why
		}
	}
	return fmt.Errorf("image %s: the container does not start, whatever is tried: %w", image.Name, cmp.Or(err, errProbe))
}

// learn does what lets the next start succeed, or returns the error.
func (j *job) learn(ctx context.Context, image plan.Image, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case j.resume != nil:
		return j.resume.lost(err)
	case docker.NoSuchImage(err) && j.runner.Pull == PullNever:
		return j.runner.missing(image, err)
	case docker.NoSuchImage(err) && j.runner.Pull == PullMissing:
		return j.fetch(ctx, image)
	case docker.NoPrivilege(err) && j.privileged():
		j.humble(err)
		return nil
	case docker.NoMount(err) && !j.plain:
		// A base that is gone is filled anew, once.
		j.plain = j.refused || j.view == nil || !j.runner.lost(ctx, j.view)
		j.refused = true
		return nil
	case docker.NoMount(err) && j.plugged():
		j.plug.refused = true
		return nil
	}
	return err
}

func (j *job) fetch(ctx context.Context, image plan.Image) error {
	j.say("Pulling %s\n", image.Name)
	err := j.runner.fetch(ctx, j.at, j.plan, image)
	if platform := j.runner.pulled(j.plan, image); platform != j.runner.platform(image) {
		j.runner.once(j.at, fmt.Sprintf("%s has no image for this engine's architecture: it runs emulated as %s, several times slower", image.Name, platform))
	}
	return err
}

// ramdisk is a folder in memory that every job has.
// https://circleci.com/docs/guides/execution-managed/using-docker/#ram-disks
const ramdisk = "/mnt/ramdisk"

// start starts one container and waits for its driver.
func (j *job) start(ctx context.Context, image plan.Image, mounts []docker.Mount) error {
	r := j.runner
	name := j.name
	if j.starts++; j.starts > 1 {
		name += fmt.Sprintf("-%d", j.starts) // the one before may not be gone yet
	}
	spec := docker.Spec{
		Name:   name,
		Image:  image.Name,
		Labels: r.labels(j.plan.Name), User: image.User, Platform: r.pulled(j.plan, image), Mounts: mounts, Hosts: hosts(j.plan.Images),
		Entrypoint: []string{"/bin/sh"}, Command: []string{"-c", bootstrap, "popsicle"},
		Power: j.power, Memories: []string{ramdisk}, Stays: r.Keep != nil,
	}
	if j.resume != nil {
		spec.Image = j.resume.Kept.Image
	}
	spec.Mounts = append(spec.Mounts, j.machineMounts()...)
	if a := j.agent(); a != nil {
		spec.Mounts = append(spec.Mounts, docker.Mount{Target: agentSocket, Bind: a.Socket, Writable: true})
	}
	j.connect(&spec)
	if err := j.limit(ctx, &spec); err != nil {
		return err
	}
	ct, err := r.Docker.Start(spec)
	r.Checkout.engaged.open()
	if err != nil {
		return err
	}
	go func() { _, _ = r.inspect(ctx, j.plan, image) }() // ready will want it
	go j.foresee(ctx)
	s := newSession(wireTo(ct), j.output)
	defer j.wonder(image).Stop()
	if err := s.meet(ctx); err != nil {
		j.dismiss(s, ct, j.view)
		return err
	}
	j.container, j.session = ct, s
	j.facts = &Facts{UID: s.hello.UID, GID: s.hello.GID, Home: s.hello.Home}
	r.Memory.PutFacts(image.Name, image.User, *j.facts)
	return nil
}

// wonder tells the user when a container takes long to start: an engine that
// hangs says nothing by itself.
func (j *job) wonder(image plan.Image) *time.Timer {
	at, patience := j.at, cmp.Or(j.runner.Patience, 30*time.Second)
	return time.AfterFunc(patience, func() {
		j.runner.once(at, fmt.Sprintf("the engine %s has not started a container of %s for %s: is it very busy, or does it hang? docker version tells whether it answers; Ctrl-C ends this run",
			j.runner.Engine, image.Name, patience))
	})
}

// foresee reads what a checkout will want once the container lives.
func (j *job) foresee(ctx context.Context) {
	if _, ok := checkoutOf(j.plan); ok {
		if tree, err := j.runner.Checkout.Tree(ctx); err == nil { // else the step tells
			_, _ = tree.ReadRefs(ctx)
		}
	}
}

// fits says whether the container is what its view was made for. An image's
// tag may have moved to another user since it was last seen.
func (j *job) fits() bool {
	return j.view == nil || j.view.facts == *j.facts
}

// abandon gives up a container that was only good for its answer.
func (j *job) abandon() {
	j.dismiss(j.session, j.container, j.view)
	j.session, j.container = nil, nil
}
