package config

import (
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/schema"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A File is one config, as written or as expanded; every value keeps the line
// and column it came from. It is never changed.
type File struct {
	Path     string
	root     *tree.Node
	source   *tree.Node // of an expanded file: what it was made from
	text     []byte     // as written
	expanded bool
	flows    []expandedFlow // of an expanded file
	jobs     map[string]expandedJob
	warnings []*Error
}

// Parse reads a config file. The error is a *multierror.Error of *Error.
func Parse(path string, text []byte) (*File, error) {
	m := &mistakes{}
	root, errs := tree.Read(path, text)
	for _, e := range errs {
		m.add(e)
	}
	switch {
	case len(errs) > 0:
	case root == nil:
		m.add(&Error{Pos: plan.Pos{File: path}, Message: "the file is empty", Hint: "begin with version: 2.1"})
	case root.Kind != tree.Map:
		m.at(root, "the file holds "+root.Kind.String(), "a config is a map with the keys version, jobs and workflows")
	default:
		checkVersion(root, m)
	}
	if err := m.err(); err != nil {
		return nil, err
	}
	return &File{Path: path, root: root, text: text}, nil
}

func checkVersion(root *tree.Node, m *mistakes) {
	v := root.Get("version")
	switch {
	case v == nil:
		m.at(root, "the config lacks the key version", versionHint(root))
	default:
		c := schema.Checker{Report: m.add}
		c.Check(v, schema.Get().Config.Key("version").Type, "version")
	}
}

// versionHint is what a file without a version may be.
func versionHint(root *tree.Node) string {
	switch {
	case root.Get("on") != nil && root.Get("jobs") != nil:
		return "this looks like a workflow of GitHub Actions: `popsicle init` carries those over; a config begins with version: 2.1"
	case root.Get("stages") != nil && root.Get("jobs") == nil:
		return "this looks like a config of GitLab: `popsicle init` writes a first config; it begins with version: 2.1"
	}
	return "begin with version: 2.1"
}

// YAML is the file as a document: of an expanded one, a config that compiles
// to itself.
func (f *File) YAML() []byte { return tree.Write(f.root) }

// templated tells whether << >> and what belongs to it have a meaning: since 2.1.
func (f *File) templated() bool { return strings.HasPrefix(f.root.Get("version").String(), "2.1") }

// Declares tells whether the file has a pipeline parameter of that name.
func (f *File) Declares(parameter string) bool { return f.root.Get("parameters").Get(parameter) != nil }

// Default is the default of a pipeline parameter of the file, as text; empty
// where there is none.
func (f *File) Default(parameter string) string {
	return f.root.Get("parameters").Get(parameter).Get("default").String()
}
