package runner

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A Kept is what is left of a job that failed, and what is needed to go on
// from there. It has no value of a secret.
type Kept struct {
	Pipeline      int64
	Workflow, Job string
	Name          string // of the job in the config, which a rerun has too
	Node          int
	Engine        string
	Container     string         // which has stopped
	Image         string         // of the container as it was, once it is frozen, which is then gone
	Mounts        []docker.Mount // what it saw besides
	Volumes       []string       // of the job alone, under its mounts
	Base          string         // the volume of the tree under its mounts; empty: none
	Dir           string         // the job's working directory
	Shell         string         // "bash" or "sh"
	Vars          []plan.Var     // the job's own variables, and the built-in ones
	Secrets       []string       // names of variables whose values are not kept
	Contexts      []string       // where some of them are from
	Startup       string         // what steps wrote into $BASH_ENV; empty too where it has a secret
	SetUp         string         // plan.Job.SetUp
	Steps         []KeptStep     // all of the plan's
	FailedAt      int            // the number of the step
	Created       time.Time
	Manifest      []byte `json:"-"` // of the tree that the checkout put there; nil: none did
}

// A KeptStep is a step of a kept job.
type KeptStep struct {
	Number int
	Name   string
	Hash   string // plan.Step.Hash
	Dir    string // a command's
	Env    []plan.Var
}

// mostKept is how many containers a run keeps: a job on twenty nodes fails on
// all of them for the same reason.
const mostKept = 5

// worthKeeping says whether the job's container is to be kept.
func (j *job) worthKeeping() bool {
	r := j.runner
	select {
	case <-r.Now:
		return false // there is no time
	default:
	}
	return r.Keep != nil && j.failed && j.session != nil && j.container != nil && r.kept.Add(1) <= mostKept
}

// keep ends the container and leaves it where it is, which costs nothing. Where
// that fails, there is nothing to open later, and nothing else is lost.
func (j *job) keep(ctx context.Context, ct *docker.Container, v *view) error {
	r := j.runner
	k := j.describe()
	if v != nil {
		k.Mounts, k.Base, k.Volumes = append(k.Mounts, v.mount), v.base.Volume, append(v.volumes(), j.resume.volumes()...)
	}
	if j.checkedOut {
		tree, err := r.Checkout.Tree(ctx) // it was read before
		if err == nil {
			k.Manifest, err = stable(tree)
		}
		if err != nil {
			return err
		}
	}
	if err := j.strip(ctx, ct, &k); err != nil {
		return err
	}
	if err := ct.End(ctx, closePatience); err != nil {
		return err
	}
	k.Container, k.Created = ct.Name, time.Now()
	if err := r.Keep(k); err != nil {
		return err
	}
	if v != nil {
		v.layers = nil
	}
	return nil
}

// Freeze makes an image of the container, so that it can be opened again and
// again as it was, and removes it. It takes seconds on an engine that compares
// whole file systems.
func (k *Kept) Freeze(ctx context.Context, cli docker.CLI) error {
	if k.Image != "" {
		return nil
	}
	image := "popsicle-kept:" + strings.TrimPrefix(k.Container, "popsicle-")
	if err := cli.Commit(ctx, k.Container, image); err != nil {
		return err
	}
	k.Image = image
	return cli.Remove(ctx, k.Container)
}

// describe tells what the container was.
func (j *job) describe() Kept {
	r, h := j.runner, j.session.hello
	image := j.plan.Images[0]
	k := Kept{
		Pipeline: j.at.Pipeline, Workflow: j.at.Workflow, Job: j.at.Job, Name: j.plan.Name, Node: j.at.Node, Engine: r.Engine, Shell: "sh", SetUp: j.plan.SetUp(),
		Dir: expand(j.plan.WorkDir, h.Home, h.Home), Vars: layers(image.Env, r.Build.vars(j.at, j.plan, h), j.plan.Env),
		Contexts: j.plan.Contexts, FailedAt: j.failedAt,
	}
	if h.Bash {
		k.Shell = "bash"
	}
	for _, v := range r.secrets(j.plan) {
		if !slices.ContainsFunc(k.Vars, func(own plan.Var) bool { return own.Name == v.Name }) {
			k.Secrets = append(k.Secrets, v.Name)
		}
	}
	for i, dir := range j.objects {
		target := dir
		if i == 0 {
			target = objectsDir
		}
		k.Mounts = append(k.Mounts, docker.Mount{Target: target, Bind: dir})
	}
	for i, s := range j.plan.Steps {
		run, _ := s.Do.(plan.Run)
		step := KeptStep{Number: j.first() + i, Name: s.Name, Hash: j.resume.hash(i, s), Dir: k.Dir, Env: run.Env}
		if run.WorkDir != "" {
			step.Dir = expand(run.WorkDir, k.Dir, h.Home)
		}
		k.Steps = append(k.Steps, step)
	}
	return k
}

// strip takes the keys of add_ssh_keys out of the container, with the driver's
// folder, and reads what lies in memory there and would be lost.
func (j *job) strip(ctx context.Context, ct *docker.Container, k *Kept) error {
	h := j.session.hello
	command := []string{"/bin/sh", "-c", `rm -f "$@"; [ ! -r "$0/bash_env" ] || cat "$0/bash_env"; rm -rf "$0"`, h.Dir}
	for _, key := range j.runner.Keys {
		command = append(command, path.Join(h.Home, ".ssh", sshKeyFile(key)))
	}
	var startup strings.Builder
	code, said, err := j.runner.Docker.Exec(ctx, ct.Name, "", command, nil, &startup)
	if err == nil && code != 0 {
		err = fmt.Errorf("container %s: %s", ct.Name, said)
	}
	if text := startup.String(); j.runner.Mask.String(text) == text {
		k.Startup = text
	}
	return err
}

// Text is the shell text that brings about what a step of the job began in:
// the variables, those given again among them, and the directory.
func (k Kept) Text(given []plan.Var, step KeptStep) string {
	text, _ := exports(layers(given, k.Vars, step.Env))
	return text + k.Startup + "\ncd " + quote(step.Dir) + "\n"
}
