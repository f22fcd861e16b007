package starter

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/popsicle-ci/popsicle/runner/config"
)

// tree is a checkout of files, each "name" or "name=text".
func tree(files ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for _, f := range files {
		name, text, _ := strings.Cut(f, "=")
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func TestFind(t *testing.T) {
	tests := []struct {
		name  string
		files []string
		want  string // jobs: image, commands
	}{
		{"go", []string{"go.mod=module x\n\ngo 1.24.3\n"}, "go cimg/go:1.24: go vet ./...; go test ./..."},
		{"go with a make target", []string{"go.mod=module x", "Makefile=test:\n"}, "go cimg/go:1.26: go vet ./...; go test ./..."},
		{"npm", []string{`package.json={"scripts":{"test":"jest","lint":"eslint"},"engines":{"node":">=20.11.1"}}`, "package-lock.json"}, "node cimg/node:20.11: npm ci; npm run lint; npm run test"},
		{"yarn", []string{`package.json={"scripts":{"test":"jest"}}`, "yarn.lock"}, "node cimg/node:lts: yarn install --immutable || yarn install --frozen-lockfile; yarn run test"},
		{"a broken package.json", []string{`package.json={`, "Makefile=check: x\n"}, "make cimg/base:current: make check"},
		{"python", []string{"requirements.txt=pytest", ".python-version=3.11.4"}, "python cimg/python:3.11: pip install -r requirements.txt; pytest"},
		{"poetry", []string{"poetry.lock", "pyproject.toml=[tool.poetry.dependencies]\npython = \"^3.12\"\n"}, "python cimg/python:3.12: pip install poetry && poetry install --no-interaction; poetry run pytest"},
		{"pyproject", []string{"pyproject.toml=requires-python = \">=3.10\""}, "python cimg/python:3.10: pip install . pytest; pytest"},
		{"rust", []string{"Cargo.toml"}, "rust cimg/rust:1.90: cargo test"},
		{"ruby", []string{"Gemfile=gem 'rspec'", ".ruby-version=3.2.1"}, "ruby cimg/ruby:3.2: bundle config set --local path vendor/bundle && bundle install; bundle exec rspec"},
		{"gradle", []string{"build.gradle.kts", "gradlew"}, "gradle cimg/openjdk:21.0: ./gradlew check"},
		{"two languages", []string{"go.mod", "pom.xml"}, "go cimg/go:1.26: go vet ./...; go test ./... | maven cimg/openjdk:21.0: mvn --batch-mode verify"},
		{"make alone", []string{"Makefile=VAR := x\ntest:\n\ttrue\n"}, "make cimg/base:current: make test"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			jobs, err := Find(tree(tt.files...))
			if err != nil {
				t.Fatal(err)
			}
			if got := short(jobs); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			compiles(t, jobs)
		})
	}
}

func short(jobs []Job) string {
	var all []string
	for _, j := range jobs {
		var commands []string
		for _, s := range j.Steps {
			commands = append(commands, s.Command)
		}
		all = append(all, j.Name+" "+j.Image+": "+strings.Join(commands, "; "))
	}
	return strings.Join(all, " | ")
}

// compiles proves that what init writes is a config without a warning.
func compiles(t *testing.T, jobs []Job) {
	t.Helper()
	p, err := config.Compile([]config.Source{{Path: ".popsicle/ci.yml", Text: []byte(Config(jobs))}}, config.Options{Branch: "main"})
	if err != nil {
		t.Fatalf("%v\n%s", err, Config(jobs))
	}
	if got := len(p.Workflows[0].Jobs); got != len(jobs) {
		t.Errorf("%d jobs of %d", got, len(jobs))
	}
	for i, j := range p.Workflows[0].Jobs {
		if want := len(jobs[i].Steps) + 1; len(j.Steps) < want {
			t.Errorf("job %s has %d steps, not %d", j.Name, len(j.Steps), want)
		}
	}
}

func TestFindNothing(t *testing.T) {
	for _, files := range [][]string{nil, {"README.md"}, {"Makefile=install:\n"}, {"Makefile=test := 1\n"}} {
		if jobs, err := Find(tree(files...)); !errors.Is(err, ErrNothing) {
			t.Errorf("%v: %v, %v", files, jobs, err)
		}
	}
}
