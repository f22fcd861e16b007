package actions

import (
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// A job is one job of the config: what stands above its steps, and the steps.
type job struct {
	name, found string
	notes       []string
	head        *tree.Node // parameters, docker, environment …
	steps       []step
}

// A step is an entry of the list, or a comment in its place.
type step struct {
	node  *tree.Node
	notes []string
}

// job makes a job, and its entry in the workflow.
func (c *converter) job(w *workflow, doc *tree.Node, p tree.Pair, name string, r renames) {
	b := builder{converter: c, doc: doc, job: p.Value, at: p.Key, said: map[string]bool{}}
	b.matrix = b.readMatrix()
	j := job{name: name, found: p.Key.File + ", " + p.Key.Text}
	if cond := p.Value.Get("if"); cond != nil {
		j.notes = append(j.notes, "left out: "+c.left(cond, "job %s: if: %s", p.Key.Text, oneLine(cond.String())))
	}
	j.steps = b.steps()
	image := b.image()
	j.head = b.head(image)
	j.notes = append(j.notes, b.notes...)
	c.jobs = append(c.jobs, j)
	c.out.Jobs = append(c.out.Jobs, Job{name, image, j.found})
	w.jobs = append(w.jobs, b.entry(name, p.Value, r))
}

// A builder makes one job.
type builder struct {
	*converter
	doc, job, at *tree.Node
	matrix       []tree.Pair     // parameter: list of values
	system       string          // the expression that names what it runs on
	tool         string          // the image that a setup action asks for
	said         map[string]bool // notes and secrets that were told
	notes        []string        // what stands above the job
	saves        []step          // save_cache steps, for the end
}

// head is the job without its steps.
func (b *builder) head(image string) *tree.Node {
	h := b.at.MapOf()
	if len(b.matrix) > 0 {
		params := b.at.MapOf()
		for _, p := range b.matrix {
			params = params.With(p.Key.Text, b.mapping("type", "string"))
		}
		h = h.With("parameters", params)
	}
	h = h.With("docker", b.at.ListOf(append([]*tree.Node{b.mapping("image", image)}, b.services()...)))
	if env := b.environment(b.doc.Get("env"), b.job.Get("env")); len(env.Pairs) > 0 {
		h = h.With("environment", env)
	}
	return h
}

// image is what the job runs on: its container, or what its setup action
// stands for, or the plain image of CircleCI.
func (b *builder) image() string {
	c := b.job.Get("container")
	if c.Is(tree.Map) {
		c = c.Get("image")
	}
	if c != nil && c.String() != "" {
		return b.expand(c, c.String())
	}
	if b.tool != "" {
		return b.tool
	}
	return "cimg/base:current"
}

// services are the images beside the first.
func (b *builder) services() []*tree.Node {
	var all []*tree.Node
	for _, p := range pairs(b.job.Get("services")) {
		image := p.Value.Get("image")
		if image == nil {
			image = p.Value
		}
		s := b.mapping("image", b.expand(image, image.String()))
		s = s.With("name", b.at.Str(slug(p.Key.Text)))
		if env := b.environment(p.Value.Get("env")); len(env.Pairs) > 0 {
			s = s.With("environment", env)
		}
		all = append(all, s)
	}
	return all
}

// environment joins maps of variables. One that is a secret of the same name
// comes by itself: popsicle gives a job every variable of the project.
func (b *builder) environment(maps ...*tree.Node) *tree.Node {
	all := b.at.MapOf()
	for _, m := range maps {
		for _, p := range pairs(m) {
			value := p.Value.String()
			if name, ok := secret(value); ok && name == p.Key.Text {
				b.secret(name)
				continue
			}
			if text := b.expand(p.Value, value); strings.Contains(text, "$") && text != value {
				b.noteLeft(p.Value, "variable %s: %s", p.Key.Text, oneLine(value))
			} else {
				all = all.With(p.Key.Text, b.at.Str(text))
			}
		}
	}
	return all
}

// entry is how the workflow names the job.
func (b *builder) entry(name string, job *tree.Node, r renames) *tree.Node {
	e := b.at.MapOf()
	var requires []*tree.Node
	for _, n := range listed(job.Get("needs")) {
		if to := r[n.Text]; to != "" {
			requires = append(requires, n.Str(to))
		}
	}
	if len(requires) > 0 {
		e = e.With("requires", b.at.ListOf(requires))
	}
	if len(b.matrix) > 0 {
		m := b.mapping("alias", name).With("parameters", b.at.MapOf(b.matrix...))
		if excluded := b.excluded(); len(excluded) > 0 {
			m = m.With("exclude", b.at.ListOf(excluded))
		}
		e = e.With("matrix", m)
	}
	if len(e.Pairs) == 0 {
		return b.at.Str(name)
	}
	return b.at.MapOf(tree.Pair{Key: b.at.Str(name), Value: e})
}

// note puts a comment above the job, once.
func (b *builder) note(text string) {
	if !b.said[text] {
		b.said[text] = true
		b.notes = append(b.notes, text)
	}
}

// noteLeft puts what is left out above the job.
func (b *builder) noteLeft(n *tree.Node, format string, values ...any) {
	b.note("left out: " + b.left(n, format, values...))
}

// secret tells where a secret comes from.
func (b *builder) secret(name string) {
	if name != "GITHUB_TOKEN" {
		b.note("$" + name + " is a variable of the project: popsicle env set " + name)
	}
}

// mapping is a map of one text.
func (b *builder) mapping(key, value string) *tree.Node {
	return b.at.MapOf(tree.Pair{Key: b.at.Str(key), Value: b.at.Str(value)})
}
