package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/schema"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// Plan makes the plan of an expanded file: text becomes data, filters decide,
// requirements are checked. The error is a *multierror.Error of *Error.
func (f *File) Plan(o Options) (*plan.Pipeline, error) {
	f, err := f.Expand(o)
	if err != nil || !f.expanded {
		return nil, err
	}
	p := &planner{o: o, lang: schema.Get(), file: f, jobs: map[string]*plan.Job{}}
	pipeline := &plan.Pipeline{Files: []plan.File{{Path: f.Path, Config: string(f.YAML()), Setup: f.setup() != ""}}}
	for _, w := range f.flows {
		flow := p.flow(w)
		flow.Setup = f.setup()
		pipeline.Workflows = append(pipeline.Workflows, flow)
	}
	p.setup(f.root.Get("setup"), pipeline.Workflows)
	for _, pair := range pairs(f.source) {
		if k := p.lang.Config.Key(pair.Key.Text); k != nil && k.Ignored != "" {
			p.note(pair.Key, k)
		}
	}
	pipeline.Notes = p.notes
	return pipeline, p.err()
}

// setup names the file where it is a setup config, whose jobs make the config
// that the pipeline goes on with.
func (f *File) setup() string {
	if f.root.Get("setup").True() {
		return f.Path
	}
	return ""
}

// setup tells when a setup config runs several workflows: CircleCI stops there,
// since a pipeline goes on once. What a setup config has made cannot be one.
func (p *planner) setup(setup *tree.Node, workflows []*plan.Workflow) {
	var running []string
	for _, w := range workflows {
		if len(w.Jobs) > 0 {
			running = append(running, w.Name)
		}
	}
	if setup.True() && p.o.Continuation {
		p.at(setup, "a setup config may not make another one", "leave setup out of the config that the pipeline is continued with")
	}
	if setup.True() && len(running) > 1 {
		p.notes = append(p.notes, plan.Note{Pos: setup.Pos(), Key: "setup", Text: "CircleCI runs one workflow of a setup config, here are " + strings.Join(running, ", ")})
	}
}

// planner makes the plan of one file.
type planner struct {
	mistakes
	regexps
	o     Options
	file  *File
	lang  *schema.Language
	jobs  map[string]*plan.Job // decoded, by the name under jobs; each is copied into its workflows
	notes []plan.Note
	noted map[plan.Pos]bool
}

// pairs are the entries of a map; none when it is no map.
func pairs(n *tree.Node) []tree.Pair {
	if n == nil {
		return nil
	}
	return n.Pairs
}

func items(n *tree.Node) []*tree.Node {
	switch {
	case n == nil || n.Kind == tree.Null:
		return nil
	case n.Kind == tree.List:
		return n.Items
	}
	return []*tree.Node{n}
}

// note tells of a key that is not carried out, once a place.
func (p *planner) note(key *tree.Node, k *schema.Key) {
	if p.noted == nil {
		p.noted = map[plan.Pos]bool{}
	}
	if pos := key.Pos(); !p.noted[pos] {
		p.noted[pos] = true
		text := "ignored: " + k.Ignored
		if k.Ignored == "" {
			text = "in part: " + k.Limits
		}
		p.notes = append(p.notes, plan.Note{Pos: pos, Key: k.Name, Text: text})
	}
}

// check compares an expanded value with its type and notes what is left out.
func (p *planner) check(n *tree.Node, t *schema.Type, path string) {
	c := schema.Checker{Report: p.add, Templates: true, Ignored: p.note, Lax: true, Unknown: func(*Error) {}} // Expand has seen to keys
	c.Check(n, t, path)
}

// flow plans a workflow. One that does not run is planned for its mistakes alone.
func (p *planner) flow(w expandedFlow) *plan.Workflow {
	if w.skipped == nil {
		return p.workflow(w.pair)
	}
	known := len(p.notes)
	p.workflow(w.pair)
	p.notes = p.notes[:known]
	return &plan.Workflow{Name: w.pair.Key.Text, File: w.pair.Key.File, Skipped: []plan.Skipped{*w.skipped}}
}

// workflow makes a workflow's graph and takes out what the filters refuse.
func (p *planner) workflow(pair tree.Pair) *plan.Workflow {
	w := &plan.Workflow{Name: pair.Key.Text, File: pair.Key.File}
	p.check(pair.Value, p.lang.Workflow, "workflows."+w.Name)
	g := &graph{planner: p, workflow: w, byName: map[string]*node{}}
	for _, item := range items(pair.Value.Get("jobs")) {
		g.add(item)
	}
	g.connect()
	w.MaxAutoReruns, _ = strconv.Atoi(pair.Value.Get("max_auto_reruns").String()) // the check has seen to it
	w.Schedules = p.schedules(pair.Value.Get("triggers"))
	switch {
	case p.o.Scheduled != "" && p.o.Scheduled != w.Name:
		w.Skipped = append(w.Skipped, plan.Skipped{Reason: "the schedule is of another workflow", Pos: pair.Key.Pos()})
	case p.o.Scheduled == "" && len(w.Schedules) > 0:
		w.Skipped = append(w.Skipped, plan.Skipped{Reason: "it runs on a schedule, not on a push", Pos: pair.Key.Pos()})
	default:
		g.filter()
	}
	return w
}

// maxNames is how many names a mistake is compared with, and maxListed how many
// it lists.
const maxNames, maxListed = 1000, 20

// listed lists the names there are.
func listed(names []string) string {
	if len(names) > maxListed {
		return strings.Join(names[:maxListed], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// didYouMean suggests the name that was likely meant, or says something else.
func didYouMean(found string, names []string, otherwise string) string {
	if len(names) > maxNames {
		names = names[:maxNames]
	}
	if near := schema.Nearest(found, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return otherwise
}
