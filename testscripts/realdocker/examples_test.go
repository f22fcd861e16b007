package realdocker

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// An example is what must have come of a repository of docs/examples once all
// that its README types was typed.
type example struct {
	images    []string          // as its configs name them
	statuses  []string          // of its pipelines, oldest first
	tests     int               // of the last pipeline
	artifacts []string          // of the last pipeline
	logs      map[string]string // by job of the last pipeline: what its log says, among other things
}

var examples = map[string]example{
	"demo": {
		images:   []string{"popsicle-test/busybox"},
		statuses: []string{"success", "success"},
		logs:     map[string]string{"count": "src/poem.txt", "build": "hello you"},
	},
	"everything": {
		images:   []string{"popsicle-test/busybox", "popsicle-test/debian"},
		statuses: []string{"success", "failed"},
		logs:     map[string]string{"flow": "always"},
	},
	"go": {
		images:    []string{"golang:1.26"},
		statuses:  []string{"success", "success"},
		artifacts: []string{"coverage.html", "coverage.txt", "dist/hello"},
		logs:      map[string]string{"vet": "Found a cache", "test": "Found a cache", "build": "Hello, popsicle!"},
	},
	"python-pytest": {
		images:   []string{"python:3.12"},
		statuses: []string{"success", "failed", "success"},
		tests:    5,
		logs:     map[string]string{"test": "5 passed"},
	},
	"node": {
		images:   []string{"node:22"},
		statuses: []string{"success"},
		tests:    3,
		logs:     map[string]string{"lint": "./slug.js", "test": "accents go"},
	},
	"services": {
		images:   []string{"python:3.12", "postgres:16", "redis:7"},
		statuses: []string{"success"},
		tests:    2,
		logs:     map[string]string{"test": "home: 2\n"},
	},
	"monorepo": {
		images:   []string{"python:3.12", "node:22"},
		statuses: []string{"success", "success", "success"},
		logs:     map[string]string{"what-changed": `{"api": true, "web": true}`, "api": "Ran 3 tests", "web": "pass 2"},
	},
	"matrix": {
		images:    []string{"golang:1.26"},
		statuses:  []string{"success", "success"},
		artifacts: []string{"dist/SHA256SUMS", "dist/platform-darwin-arm64", "dist/platform-linux-amd64", "dist/platform-linux-arm64"},
		logs:      map[string]string{"build-linux-arm64": "Found a cache", "collect": "built for linux on"},
	},
	"test-splitting": {
		images:   []string{"python:3.12"},
		statuses: []string{"success", "success"},
		tests:    8,
		logs:     map[string]string{"test": "passed"},
	},
	"release": {
		images:    []string{"alpine:3"},
		statuses:  []string{"success", "success"},
		artifacts: []string{"dist/SHA256SUMS", "dist/roman-v1.0.0.tar.gz"},
		logs:      map[string]string{"publish": "Authorization: Bearer ****"},
	},
}

// TestExamples types what the README of every example shows, in a shell and on
// a terminal, and compares what comes out with what the README says.
func TestExamples(t *testing.T) {
	slow(t)
	configs, err := filepath.Glob("../../docs/examples/*/.popsicle/ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, config := range configs {
		name := filepath.Base(filepath.Dir(filepath.Dir(config)))
		all = append(all, examples[name].images...)
	}
	if len(configs) != len(examples) {
		t.Errorf("docs/examples holds %d examples, of which %d are described here", len(configs), len(examples))
	}
	images.Named(t, all...)
	for name, e := range examples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e.run(t, name)
		})
	}
}

// run follows the README of an example.
func (e example) run(t *testing.T, name string) {
	r := newReader(t)
	readme, err := os.ReadFile(filepath.Join(r.top, "docs/examples", name, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	typed := typedIn(string(readme))
	if len(typed) == 0 {
		t.Fatal("its README types nothing: a command is a line of a console block that begins with $")
	}
	for _, one := range typed {
		r.follow(one)
	}
	e.check(r.place)
}

// check looks at what is kept of the runs.
func (e example) check(p place) {
	p.t.Helper()
	if got := p.statuses(); !slices.Equal(got, e.statuses) {
		p.t.Errorf("pipelines are %v, want %v", got, e.statuses)
	}
	var tests []struct{ Job, Name, Result string }
	p.read(&tests, "tests", "--json")
	names := map[string]bool{}
	for _, one := range tests {
		names[one.Name] = true
		if one.Result != "success" {
			p.t.Errorf("test %s: %s", one.Name, one.Result)
		}
	}
	if len(tests) != e.tests || len(names) != e.tests {
		p.t.Errorf("%d tests have run, want each of %d once: %v", len(tests), e.tests, slices.Sorted(maps.Keys(names)))
	}
	var artifacts []struct{ Path string }
	p.read(&artifacts, "artifacts", "--json")
	var paths []string
	for _, a := range artifacts {
		paths = append(paths, a.Path)
	}
	if slices.Sort(paths); !slices.Equal(paths, e.artifacts) {
		p.t.Errorf("artifacts are %q, want %q", paths, e.artifacts)
	}
	for job, want := range e.logs {
		if log := p.must(0, "logs", "--job", job); !strings.Contains(log, want) {
			p.t.Errorf("%q is not in the log of %s:\n%s", want, job, log)
		}
	}
}

// TestExamplesAreListed holds the table of examples to what there is.
func TestExamplesAreListed(t *testing.T) {
	index, err := os.ReadFile("../../docs/examples/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range examples {
		row := ""
		for line := range strings.Lines(string(index)) {
			if strings.HasPrefix(line, fmt.Sprintf("| [%s](%s/README.md) |", name, name)) {
				row = line
			}
		}
		if row == "" {
			t.Errorf("docs/examples/README.md has no row for %s", name)
		}
		for _, image := range e.images {
			if !strings.Contains(row, "`"+image+"`") {
				t.Errorf("docs/examples/README.md does not name image %s of %s", image, name)
			}
		}
	}
}
