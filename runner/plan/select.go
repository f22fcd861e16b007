package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Selection is the part of a pipeline that was asked for.
type Selection struct {
	Workflow string   // only this workflow; empty: all
	Jobs     []string // only these jobs, by name, "workflow/name" or the name under jobs:, and what they require; empty: all
	Only     bool     // leave what they require out
}

// Select returns the part of the pipeline that s asks for. The error names
// everything that is not there, and what is.
func (p *Pipeline) Select(s Selection) (*Pipeline, error) {
	if s.Workflow == "" && len(s.Jobs) == 0 {
		return p, nil
	}
	out := &Pipeline{Files: p.Files, Notes: p.Notes}
	for _, w := range p.Workflows {
		if s.Workflow == "" || s.Workflow == w.Name {
			out.Workflows = append(out.Workflows, w)
		}
	}
	if len(out.Workflows) == 0 {
		return nil, fmt.Errorf("no workflow is named %q: there are %s", s.Workflow, p.workflowNames())
	}
	if len(s.Jobs) == 0 {
		return out, nil
	}
	return out.pick(s)
}

func (p *Pipeline) workflowNames() string {
	var names []string
	for _, w := range p.Workflows {
		names = append(names, w.Name)
	}
	return list(names)
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// pick keeps the jobs that s names, and what they require.
func (p *Pipeline) pick(s Selection) (*Pipeline, error) {
	out := &Pipeline{Files: p.Files, Notes: p.Notes}
	found := map[string]bool{}
	for _, w := range p.Workflows {
		wanted := map[string]bool{}
		for _, j := range w.Jobs {
			for _, name := range s.Jobs {
				if j.called(name, w) || j.Definition == name && !p.has(name) {
					wanted[j.Name], found[name] = true, true
				}
			}
		}
		if len(wanted) > 0 {
			out.Workflows = append(out.Workflows, w.keep(wanted, s.Only))
		}
	}
	var errs []error
	for _, name := range s.Jobs {
		if !found[name] {
			errs = append(errs, p.absent(name))
		}
	}
	return out, errors.Join(errs...)
}

// called says whether name is the job's own.
func (j *Job) called(name string, w *Workflow) bool {
	return name == j.Name || name == w.Name+"/"+j.Name
}

// has says whether some job is called name. If none is, the name of a
// definition stands for all jobs made from it: those of a matrix, or of
// several workflows.
func (p *Pipeline) has(name string) bool {
	for _, w := range p.Workflows {
		if slices.ContainsFunc(w.Jobs, func(j *Job) bool { return j.called(name, w) }) {
			return true
		}
	}
	return false
}

// keep returns the workflow with the wanted jobs, which it adds to.
func (w *Workflow) keep(wanted map[string]bool, only bool) *Workflow {
	for added := !only; added; {
		added = false
		for _, j := range w.Jobs {
			for _, r := range j.Requires {
				if wanted[j.Name] && !wanted[r.Job] {
					wanted[r.Job], added = true, true
				}
			}
		}
	}
	out := &Workflow{Name: w.Name, File: w.File, Setup: w.Setup, Skipped: w.Skipped}
	for _, j := range w.Jobs {
		if wanted[j.Name] {
			out.Jobs = append(out.Jobs, j.requiring(wanted))
		}
	}
	return out
}

// requiring returns the job without the requirements that are not wanted.
func (j *Job) requiring(wanted map[string]bool) *Job {
	c := *j
	c.Requires = slices.DeleteFunc(slices.Clone(j.Requires), func(r Require) bool { return !wanted[r.Job] })
	return &c
}

// absent explains why there is no job of this name.
func (p *Pipeline) absent(name string) error {
	var names []string
	for _, w := range p.Workflows {
		for _, s := range w.Skipped {
			switch {
			case s.Job == "" && w.Name == name:
				return fmt.Errorf("%s: workflow %s is left out here: %s", s.Pos, name, s.Reason)
			case s.Job != "" && (s.Job == name || w.Name+"/"+s.Job == name):
				return fmt.Errorf("%s: job %s is left out of workflow %s here: %s", s.Pos, s.Job, w.Name, s.Reason)
			}
		}
		for _, j := range w.Jobs {
			names = append(names, j.Name)
		}
	}
	return fmt.Errorf("no job is named %q: there are %s", name, list(names))
}
