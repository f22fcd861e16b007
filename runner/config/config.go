// Package config is the compiler of popsicle's config language, CircleCI 2.1.
// It turns the files of a pipeline into a plan in three calls, each usable
// alone: Parse reads a file, Expand makes of it a file without orbs, commands,
// parameters and templates, and Plan makes of that what the runner can run.
// No other package knows YAML.
package config

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/hashicorp/go-multierror"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// An Error is one mistake in a config file, with its place and what would be right.
type Error = tree.Error

// A Source is one config file.
type Source struct {
	Path string // as shown in errors and in plan.Pos
	Text []byte
}

// Options are what a compilation depends on besides the files.
type Options struct {
	// Branch and Tag are what the pipeline runs on: filters look at them. At
	// most one is set.
	Branch, Tag string
	// Scheduled is the workflow that a schedule started: it runs alone, and its
	// schedules do not keep it from it.
	Scheduled string
	// Values are the pipeline values by their full dotted key, such as
	// "pipeline.git.branch": strings, int64s or bools. What is absent or nil is null.
	Values map[string]any
	// Parameters are the pipeline parameters that were given. They are typed
	// by their declaration.
	Parameters map[string]string
	// Continuation says that the file is what a setup config has made: it may not
	// be one itself.
	Continuation bool
	// Orbs is where the sources of orbs that are not inline come from. With
	// nil there are none.
	Orbs OrbSource
	// RelaxOrbs is for looking at configs whose orbs are at hand in another
	// version or not at all: what such an orb lacks is left out.
	RelaxOrbs bool
}

// Compile turns the files of one pipeline into its plan. Each file is compiled
// on its own, so names may repeat between files. All mistakes are in the error
// at once: it is a *multierror.Error of *Error.
func Compile(sources []Source, o Options) (*plan.Pipeline, error) {
	p := &plan.Pipeline{}
	var all *multierror.Error
	files, err := parseAll(sources)
	if err != nil {
		all = multierror.Append(all, err)
	}
	for i, f := range files {
		if err := f.compile(p, o.forFile(i, files)); err != nil {
			all = multierror.Append(all, err)
		}
	}
	if all != nil {
		all.ErrorFormat = list
		return nil, all
	}
	return p, nil
}

// parseAll reads every file that can be read.
func parseAll(sources []Source) ([]*File, error) {
	var files []*File
	var all *multierror.Error
	for _, s := range sources {
		f, err := Parse(s.Path, s.Text)
		if err != nil {
			all = multierror.Append(all, err)
			continue
		}
		files = append(files, f)
	}
	return files, all.ErrorOrNil()
}

// forFile leaves out the parameters that another file of the pipeline declares
// and this one does not. One that no file declares is the first file's mistake.
func (o Options) forFile(i int, files []*File) Options {
	given := o.Parameters
	o.Parameters = map[string]string{}
	for name, text := range given {
		declared := func(f *File) bool { return f.root.Get("parameters").Get(name) != nil }
		if declared(files[i]) || i == 0 && !slices.ContainsFunc(files, declared) {
			o.Parameters[name] = text
		}
	}
	return o
}

// compile adds the workflows of one file to the pipeline.
func (f *File) compile(p *plan.Pipeline, o Options) error {
	expanded, err := f.Expand(o)
	one, planErr := expanded.Plan(o)
	if err != nil || planErr != nil {
		return join(err, planErr)
	}
	sum := sha256.Sum256(f.text)
	file := one.Files[0]
	file.SHA256 = hex.EncodeToString(sum[:])
	p.Files = append(p.Files, file)
	p.Workflows = append(p.Workflows, one.Workflows...)
	p.Notes = append(p.Notes, one.Notes...)
	return nil
}
