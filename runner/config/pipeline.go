package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/schema"
	"github.com/popsicle-ci/popsicle/runner/config/template"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// pipelineValues are the names under pipeline. that CircleCI gives a value.
// Families that grow with every kind of trigger stand in openFamilies.
const pipelineValues = `id number name definition.id integration_source
project.git_url project.type project.slug
git.tag git.branch git.branch.is_default git.revision git.base_revision git.repo_url git.repo_owner git.repo_name git.repo_id
git.commit.url git.commit.subject git.commit.body git.commit.author_login
config.repository.name config.repository.url config.file_path config.file_type config.ref config.sha
trigger.received_at trigger.id trigger.type trigger.name trigger_source trigger_type schedule.name schedule.id event.name event.action
organization.id in_setup`

var openFamilies = []string{"pipeline.trigger_parameters.", "pipeline.event.", "pipeline.deploy.", "pipeline.schedule.", "pipeline.trigger.", "pipeline.git.", "pipeline.config.",
	"pipeline.project.", "pipeline.organization."}

// knownValue tells whether pipeline.… is a pipeline value.
func knownValue(name string) bool {
	return slices.ContainsFunc(openFamilies, func(f string) bool { return strings.HasPrefix(name, f) }) ||
		slices.Contains(strings.Fields(pipelineValues), strings.TrimPrefix(name, "pipeline."))
}

// pipelineValue finds pipeline.* and pipeline.parameters.*.
func (c *compiler) pipelineValue(name string, f *frame) (*tree.Node, error) {
	if rest, ok := strings.CutPrefix(name, "pipeline.parameters."); ok {
		switch {
		case f.scope == nil: // the frame of the pipeline parameters themselves
			return nil, &template.Error{Message: fmt.Sprintf("%s: a pipeline parameter does not see the others", name), Hint: "write the value itself"}
		case f.scope.name != "":
			return nil, &template.Error{Message: fmt.Sprintf("%s: an orb does not see the parameters of the pipeline", name),
				Hint: "give the element of the orb a parameter of its own"}
		}
		if v := c.params[rest]; v != nil {
			return v, nil
		}
		return nil, &template.Error{Message: fmt.Sprintf("%s: the pipeline has no parameter %q", name, rest),
			Hint: didYouMean(rest, keys(c.params), "declare it under parameters at the top of the config")}
	}
	if v := c.values[name]; v != nil {
		return v, nil
	}
	given, have := c.o.Values[name]
	if name == "pipeline.in_setup" && !have {
		given, have = c.root.Get("setup").True(), true
	}
	if !have && (!strings.HasPrefix(name, "pipeline.") || !knownValue(name)) {
		return nil, &template.Error{Message: fmt.Sprintf("there is no value %q", name), Hint: c.nearValue(name)}
	}
	v := toNode(&tree.Node{}, plain(given))
	if given == nil {
		v.Kind = tree.Null
	}
	c.values[name] = v
	return v, nil
}

func (c *compiler) nearValue(name string) string {
	names := []string{"parameters." + name, "pipeline." + name}
	for _, v := range strings.Fields(pipelineValues) {
		names = append(names, "pipeline."+v)
	}
	return didYouMean(name, names, "values begin with parameters., pipeline. or matrix.")
}

// plain makes a value of Options one that expressions know.
func plain(v any) any {
	switch v := v.(type) {
	case int:
		return int64(v)
	case nil, bool, int64, string:
		return v
	}
	return fmt.Sprint(v)
}

// pipelineParameters types the parameters of the pipeline: the defaults, and
// what was given.
func (c *compiler) pipelineParameters() {
	f := &frame{}
	given := map[string]bool{}
	for _, p := range pairs(c.root.Get("parameters")) {
		name, decl := p.Key.Text, p.Value
		check := schema.Checker{Report: c.add}
		check.Check(decl, c.lang.Pipeline, "parameters."+name)
		def := decl.Get("default")
		if def == nil {
			c.at(p.Key, fmt.Sprintf("the pipeline parameter %q has no default", name), "pipeline parameters need one")
			def = p.Key.Str("")
		} else if def = c.fill(def, f); decl.Kind == tree.Map {
			c.typed(def, decl, name)
		}
		c.params[name] = def
		if text, ok := c.o.Parameters[name]; ok {
			given[name] = true
			c.params[name] = c.givenParameter(p, text)
		}
	}
	for name := range c.o.Parameters {
		if !given[name] {
			c.add(&Error{Pos: c.filePos(), Message: fmt.Sprintf("there is no pipeline parameter %q", name),
				Hint: didYouMean(name, keys(c.params), "it is declared under parameters at the top of the config")})
		}
	}
}

func (c *compiler) filePos() plan.Pos { return plan.Pos{File: c.root.File} }

// givenParameter types what was given on the command line by the declaration.
func (c *compiler) givenParameter(p tree.Pair, text string) *tree.Node {
	n := p.Key.Str(text)
	switch p.Value.Get("type").String() {
	case "boolean":
		switch strings.ToLower(text) {
		case "true", "false", "yes", "no", "on", "off":
			n.Kind = tree.Bool
		}
	case "integer":
		if _, err := strconv.Atoi(text); err == nil {
			n.Kind = tree.Int
		}
	}
	c.typed(n, p.Value, p.Key.Text)
	return n
}
