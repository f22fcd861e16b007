package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// invoke makes the job of one entry of a workflow: a copy of its definition
// with what the workflow says.
func (p *planner) invoke(key, inv *tree.Node) *plan.Job {
	job := &plan.Job{Name: key.Text, Definition: key.Text, Kind: plan.Approval, Pos: key.Pos(), Parallelism: 1}
	if inv.Get("type").String() != "approval" {
		def := p.definition(key)
		if def == nil {
			return nil
		}
		*job = *def
	}
	job.Pos, job.Setup = key.Pos(), p.file.setup()
	if def := p.file.jobs[key.Text].definition; def != "" {
		job.Definition = def
	}
	if name := inv.Get("name").String(); name != "" {
		job.Name = name
	}
	for _, c := range items(inv.Get("context")) {
		job.Contexts = append(job.Contexts, c.String())
	}
	if group := inv.Get("serial-group"); group != nil {
		job.SerialGroup = group.String()
	}
	return job
}

// definition decodes a job under `jobs`, once.
func (p *planner) definition(key *tree.Node) *plan.Job {
	if job, done := p.jobs[key.Text]; done {
		return job
	}
	def := p.file.jobs[key.Text].node
	if def == nil {
		return nil // of a job that does not exist, which Expand has reported
	}
	job := p.job(key.Text, def)
	p.jobs[key.Text] = job
	return job
}

// job decodes an expanded job.
func (p *planner) job(name string, n *tree.Node) *plan.Job {
	p.check(n, p.lang.Job, "jobs."+name)
	job := &plan.Job{
		Name: name, Definition: name, Pos: n.Pos(), Kind: plan.NoOp, Parallelism: 1,
		Shell: commandLine(n.Get("shell")), WorkDir: n.Get("working_directory").String(),
		ResourceClass: n.Get("resource_class").String(),
		Env:           p.env(n.Get("environment")),
	}
	if job.WorkDir == "" {
		job.WorkDir = "~/project"
	}
	if count, err := strconv.Atoi(strings.ReplaceAll(n.Get("parallelism").String(), "_", "")); err == nil && count > 1 {
		job.Parallelism = count
	}
	switch kind := n.Get("type").String(); kind {
	case "", "build":
		p.place(job, n)
		p.needsSteps(job, n)
		job.Steps = p.steps(n.Get("steps"))
	case "approval":
		job.Kind = plan.Approval
	case "lock", "unlock":
		job.Kind, job.SerialGroup = plan.Kind(kind), n.Get("key").String()
	case "release":
		p.notes = append(p.notes, plan.Note{Pos: n.Pos(), Key: "type", Text: "replaced: a release job does nothing here and passes"})
	}
	return job
}

func (p *planner) needsSteps(job *plan.Job, n *tree.Node) {
	if n.Get("steps") == nil {
		p.at(n, fmt.Sprintf("the job %q has no steps", job.Name), "give it the key steps with at least one step")
	}
}

// place finds out where a job runs: exactly one of docker, machine and macos.
func (p *planner) place(job *plan.Job, n *tree.Node) {
	var found []string
	for _, k := range []struct {
		key  string
		kind plan.Kind
	}{{"docker", plan.Docker}, {"machine", plan.Machine}, {"macos", plan.MacOS}} {
		if v := n.Get(k.key); v != nil && v.String() != "false" {
			found = append(found, k.key)
			job.Kind = k.kind
		}
	}
	switch {
	case len(found) == 0:
		p.at(n, fmt.Sprintf("the job %q does not say where it runs", job.Name), "give it docker, machine, macos or executor")
	case len(found) > 1:
		p.at(n, fmt.Sprintf("the job %q has %s", job.Name, strings.Join(found, " and ")), "keep one of them")
	}
	if job.Kind == plan.Docker {
		job.Images = p.images(n.Get("docker"))
	}
	if machine := n.Get("machine"); job.Kind == plan.Machine {
		if machine.Is(tree.Map) {
			machine = machine.Get("image")
		}
		if image := machine.String(); image != "true" {
			job.Machine = image
		}
	}
	if native := n.Get(string(job.Kind)); job.Shell == "" && native.Is(tree.Map) {
		job.Shell = commandLine(native.Get("shell"))
	}
}

func (p *planner) images(list *tree.Node) []plan.Image {
	var images []plan.Image
	for _, n := range items(list) {
		if n.Kind != tree.Map {
			continue // the check of the job has said so
		}
		image := plan.Image{
			Name: n.Get("image").String(), Host: n.Get("name").String(), User: n.Get("user").String(), Pos: n.Pos(),
			Entrypoint: p.argv(n.Get("entrypoint")), Command: p.argv(n.Get("command")), Env: p.env(n.Get("environment")),
			Auth: auth(n),
		}
		if image.Name == "" && n.Get("image") != nil && !n.Get("image").Templated {
			p.at(n.Get("image"), "the name of the image is empty", "write one like cimg/base:stable")
		}
		images = append(images, image)
	}
	return images
}

func auth(n *tree.Node) *plan.Auth {
	login, aws := n.Get("auth"), n.Get("aws_auth")
	if !login.Is(tree.Map) && !aws.Is(tree.Map) {
		return nil
	}
	return &plan.Auth{
		Username: login.Get("username").String(), Password: login.Get("password").String(),
		AWSAccessKeyID: aws.Get("aws_access_key_id").String(), AWSSecretAccessKey: aws.Get("aws_secret_access_key").String(),
	}
}

// argv is a list of words, or a command line that is split like a shell does.
func (p *planner) argv(n *tree.Node) []string {
	if n == nil || n.Kind == tree.Null {
		return nil
	}
	if n.Kind != tree.List {
		words, err := split(n.String())
		if err != nil {
			p.at(n, err.Error(), "close the quote, or write a list of words")
		}
		return words
	}
	words := make([]string, 0, len(n.Items))
	for _, i := range n.Items {
		words = append(words, i.String())
	}
	return words
}
