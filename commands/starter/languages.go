package starter

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"strings"
)

// A top is the top folder of a checkout.
type top struct{ fs.FS }

// read returns a file's text, or none.
func (t top) read(name string) (string, bool) {
	text, err := fs.ReadFile(t, name)
	return string(text), err == nil
}

// first returns the first of names that is there.
func (t top) first(names ...string) string {
	for _, name := range names {
		if _, err := fs.Stat(t, name); err == nil {
			return name
		}
	}
	return ""
}

// version returns what the first group of pattern matches in text, cut to its
// first two numbers, or otherwise.
func version(text, pattern, otherwise string) string {
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		return otherwise
	}
	parts := strings.SplitN(m[1], ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// makeTarget matches the lines of a Makefile that say how target is made.
func makeTarget(text, target string) bool {
	return regexp.MustCompile(`(?m)^` + target + `\s*:([^=]|$)`).MatchString(text)
}

func golang(t top) (Job, bool) {
	mod, ok := t.read("go.mod")
	j := Job{
		Name: "go", Found: "go.mod", Image: "cimg/go:" + version(mod, `(?m)^go (\d+\.\d+)`, "1.26"),
		Steps: []Step{{"Vet", "go vet ./..."}, {"Test", "go test ./..."}},
	}
	if t.first("go.sum") != "" {
		j.Cache = &Cache{"go", "go.sum", []string{"~/go/pkg/mod", "~/.cache/go-build"}}
	}
	return j, ok
}

// node reads package.json: which package manager, which scripts.
func node(t top) (Job, bool) {
	text, ok := t.read("package.json")
	var p struct {
		Scripts map[string]string
		Engines struct{ Node string }
	}
	if !ok || json.Unmarshal([]byte(text), &p) != nil {
		return Job{}, false
	}
	want := p.Engines.Node
	if file, ok := t.read(".nvmrc"); ok {
		want = file
	}
	j := Job{Name: "node", Found: "package.json", Image: "cimg/node:" + version(want, `(\d+\.\d+)`, "lts")}
	run, install, paths := "npm", "npm install", []string{"~/.npm"}
	lock := t.first("pnpm-lock.yaml", "yarn.lock", "package-lock.json")
	switch lock {
	case "pnpm-lock.yaml":
		run, install, paths = "pnpm", "corepack enable --install-directory ~/bin pnpm && ~/bin/pnpm install --frozen-lockfile", []string{"~/.local/share/pnpm"}
	case "yarn.lock":
		run, install, paths = "yarn", "yarn install --immutable || yarn install --frozen-lockfile", []string{"~/.cache/yarn", "~/.yarn"}
	case "package-lock.json":
		install = "npm ci"
	}
	if lock != "" {
		j.Cache = &Cache{run, lock, paths}
	}
	j.Steps = []Step{{"Install", install}}
	for _, script := range []struct{ name, says string }{{"lint", "Lint"}, {"build", "Build"}, {"test", "Test"}} {
		if p.Scripts[script.name] != "" {
			j.Steps = append(j.Steps, Step{script.says, run + " run " + script.name})
		}
	}
	return j, true
}

// python knows requirements, pyproject.toml with its tools, and setup.py.
func python(t top) (Job, bool) {
	found := t.first("uv.lock", "poetry.lock", "Pipfile.lock", "requirements.txt", "pyproject.toml", "setup.py", "Pipfile")
	if found == "" {
		return Job{}, false
	}
	project, _ := t.read("pyproject.toml")
	want, _ := t.read(".python-version")
	j := Job{
		Name: "python", Found: found,
		Image: "cimg/python:" + version(want+"\n"+project, `(?m)(?:^|requires-python\s*=\s*"[^\d"]*|^python\s*=\s*"[^\d"]*)(3\.\d+)`, "3.13"),
		Cache: &Cache{"pip", found, []string{"~/.cache/pip"}},
	}
	install, test := "pip install -r requirements.txt", "pytest"
	switch found {
	case "uv.lock":
		install, test, j.Cache.Paths = "pip install uv && uv sync", "uv run pytest", []string{"~/.cache/uv"}
	case "poetry.lock":
		install, test, j.Cache.Paths = "pip install poetry && poetry install --no-interaction", "poetry run pytest", []string{"~/.cache/pypoetry"}
	case "Pipfile", "Pipfile.lock":
		install, test = "pip install pipenv && pipenv install --dev", "pipenv run pytest"
	case "pyproject.toml", "setup.py":
		install = "pip install . pytest"
	}
	if t.first("tox.ini") != "" {
		install, test = "pip install tox", "tox"
	}
	if t.first("manage.py") != "" {
		test = strings.TrimSuffix(test, "pytest") + "python manage.py test"
	}
	j.Steps = []Step{{"Install", install}, {"Test", test}}
	return j, true
}

func rust(t top) (Job, bool) {
	found := t.first("Cargo.toml")
	j := Job{Name: "rust", Found: found, Image: "cimg/rust:1.90", Steps: []Step{{"Test", "cargo test"}}}
	if t.first("Cargo.lock") != "" {
		j.Cache = &Cache{"cargo", "Cargo.lock", []string{"~/.cargo/registry", "target"}}
	}
	return j, found != ""
}

func ruby(t top) (Job, bool) {
	gems, ok := t.read("Gemfile")
	want, _ := t.read(".ruby-version")
	test := "bundle exec rake"
	if strings.Contains(gems, "rspec") || t.first("spec") != "" {
		test = "bundle exec rspec"
	}
	j := Job{
		Name: "ruby", Found: "Gemfile", Image: "cimg/ruby:" + version(want, `(\d+\.\d+)`, "3.4"),
		Steps: []Step{{"Install", "bundle config set --local path vendor/bundle && bundle install"}, {"Test", test}},
	}
	if t.first("Gemfile.lock") != "" {
		j.Cache = &Cache{"gems", "Gemfile.lock", []string{"vendor/bundle"}}
	}
	return j, ok
}

func maven(t top) (Job, bool) {
	return Job{
		Name: "maven", Found: "pom.xml", Image: "cimg/openjdk:21.0",
		Cache: &Cache{"maven", "pom.xml", []string{"~/.m2"}}, Steps: []Step{{"Verify", "mvn --batch-mode verify"}},
	}, t.first("pom.xml") != ""
}

func gradle(t top) (Job, bool) {
	found := t.first("build.gradle", "build.gradle.kts")
	command := "gradle check"
	if t.first("gradlew") != "" {
		command = "./gradlew check"
	}
	return Job{
		Name: "gradle", Found: found, Image: "cimg/openjdk:21.0",
		Cache: &Cache{"gradle", found, []string{"~/.gradle/caches", "~/.gradle/wrapper"}}, Steps: []Step{{"Check", command}},
	}, found != ""
}

func php(t top) (Job, bool) {
	return Job{
		Name: "php", Found: "composer.json", Image: "cimg/php:8.4",
		Cache: &Cache{"composer", "composer.json", []string{"vendor"}},
		Steps: []Step{{"Install", "composer install --no-interaction"}, {"Test", "vendor/bin/phpunit"}},
	}, t.first("composer.json") != ""
}

func elixir(t top) (Job, bool) {
	return Job{
		Name: "elixir", Found: "mix.exs", Image: "cimg/elixir:1.18",
		Steps: []Step{{"Install", "mix local.hex --force && mix deps.get"}, {"Test", "mix test"}},
	}, t.first("mix.exs") != ""
}

// makefile is for what no language says: make knows how it is tested.
func makefile(t top) (Job, bool) {
	found := t.first("GNUmakefile", "makefile", "Makefile")
	text, _ := t.read(found)
	for _, target := range []string{"check", "test", "all"} {
		if found != "" && makeTarget(text, target) {
			return Job{Name: "make", Found: found, Image: "cimg/base:current", Steps: []Step{{"Make", "make " + target}}}, true
		}
	}
	return Job{}, false
}
