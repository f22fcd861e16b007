package commands

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/go-multierror"

	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/config"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A continuation makes the rest of a pipeline of what its setup configs asked for.
// https://circleci.com/docs/guides/orchestrate/dynamic-config/
type continuation struct {
	*launch
	number int64
	asked  *runner.Continuations
	out    *event.Stream
	mask   *runner.Mask

	failure string // why the pipeline does not go on; empty: it does, or need not
}

// choose takes the selected part of the pipeline. Jobs that a setup config does
// not have may be of the one that it will make: then all of it runs, and the
// selection is kept for what follows.
func (l *launch) choose(whole *plan.Pipeline) (*plan.Pipeline, error) {
	chosen, err := whole.Select(l.selection)
	if err != nil && setUp(whole) {
		l.later = true
		return whole, nil
	}
	if err != nil {
		return nil, usageErr{err}
	}
	return chosen, nil
}

// setUp says whether more than the plan may run.
func setUp(p *plan.Pipeline) bool {
	return slices.ContainsFunc(p.Files, func(f plan.File) bool { return f.Setup })
}

// next are the workflows that follow a setup workflow, and how the making of
// them went.
func (c *continuation) next(ctx context.Context, w *plan.Workflow) ([]*plan.Workflow, event.Status) {
	asked, ok := c.asked.Of(w.Setup)
	if !ok {
		c.say(event.Info, "workflow %s did not continue the pipeline: nothing follows (popsicle hears calls of CircleCI's continuation API by curl)", w.Name)
		return nil, event.Success
	}
	if !c.later && (c.selection.Workflow != "" || len(c.selection.Jobs) > 0) {
		c.say(event.Info, "job %s continues the pipeline: not run, for only a part of %s was asked for", asked.Job, w.Setup)
		return nil, event.Success
	}
	p, err := c.compile(ctx, w.Setup, asked)
	if err == nil && c.later {
		p, err = p.Select(c.selection)
	}
	if err == nil {
		err = c.known(p)
	}
	if err != nil {
		c.refuse(asked.Job, err)
		return nil, event.Failed
	}
	c.announce(asked.Job, p)
	return p.Workflows, event.Success
}

// compile makes the plan of a continuation, with the same values as the setup
// config had.
func (c *continuation) compile(ctx context.Context, setup string, asked runner.Continuation) (*plan.Pipeline, error) {
	o, err := c.options(ctx, c.number)
	if err != nil {
		return nil, err
	}
	source := config.Source{Path: "continuation of " + setup, Text: []byte(asked.Config)}
	f, err := config.Parse(source.Path, source.Text)
	if err != nil {
		return nil, err
	}
	o.Continuation = true
	o.Parameters, err = c.parameters(setup, f, asked.Parameters)
	if err != nil {
		return nil, err
	}
	return config.Compile([]config.Source{source}, o)
}

// parameters are what the continuation was given, and what the whole pipeline
// was given of what it declares. Both cannot say something about the same one,
// but for what is the default of the setup config anyway.
func (c *continuation) parameters(setup string, f *config.File, passed map[string]string) (map[string]string, error) {
	all := maps.Clone(passed)
	var conflicts []string
	for name, text := range c.params {
		_, both := passed[name]
		switch {
		case !both && f.Declares(name):
			all[name] = text
		case both && text != c.defaultOf(setup, name):
			conflicts = append(conflicts, name)
		}
	}
	if len(conflicts) > 0 {
		slices.Sort(conflicts)
		return nil, fmt.Errorf("conflicting pipeline parameters: %s: given by --param, and by the setup job too; leave one of them out", strings.Join(conflicts, ", "))
	}
	return all, nil
}

// defaultOf is the default of a parameter in one of the pipeline's files.
func (c *continuation) defaultOf(path, parameter string) string {
	for _, s := range c.sources {
		if f, err := config.Parse(s.Path, s.Text); err == nil && s.Path == path {
			return f.Default(parameter)
		}
	}
	return ""
}

// announce says what goes on, and what filters and conditions left out of it.
func (c *continuation) announce(job string, p *plan.Pipeline) {
	jobs := 0
	var names []string
	for _, w := range p.Workflows {
		if len(w.Jobs) > 0 {
			names = append(names, w.Name)
			jobs += len(w.Jobs)
		}
	}
	if jobs == 0 {
		c.say(event.Info, "job %s continued the pipeline with nothing to run", job)
	} else {
		c.say(event.Info, "job %s continued the pipeline: %s in %s", job, plural(jobs, "job"), strings.Join(names, ", "))
	}
	for _, w := range p.Workflows {
		for _, s := range w.Skipped {
			what := "workflow " + w.Name
			if s.Job != "" {
				what = "job " + w.Name + "/" + s.Job
			}
			c.say(event.Info, "%s is left out: %s", what, s.Reason)
		}
	}
}

// refuse tells every mistake of a continuation.
func (c *continuation) refuse(job string, err error) {
	c.failure = "job " + job + " continued it with a config that cannot run"
	c.say(event.Warning, "job %s continued the pipeline with a config that cannot run:", job)
	var many *multierror.Error
	if !errors.As(err, &many) {
		c.say(event.Warning, "%s", err)
		return
	}
	for _, one := range many.Errors {
		c.say(event.Warning, "%s", one)
	}
}

func (c *continuation) say(level event.Level, format string, args ...any) {
	c.out.Emit(event.Message{At: event.At{Pipeline: c.number}, Level: level, Text: c.mask.String(fmt.Sprintf(format, args...))})
}
