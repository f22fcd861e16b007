// Package starter writes a first config from what a checkout holds: its
// languages, how they are tested, and which versions they ask for.
package starter

import (
	"errors"
	"io/fs"
	"strings"
	"text/template"
)

// A Job is one job of the config to write.
type Job struct {
	Name  string
	Image string
	Found string // what it was made from: "go.mod"
	Cache *Cache
	Steps []Step
}

// A Cache is what is worth keeping between runs.
type Cache struct {
	Key   string // begins with a name, ends with the checksum of Lock
	Lock  string // the file whose change makes a new cache
	Paths []string
}

// A Step is one command.
type Step struct{ Name, Command string }

// ErrNothing means that no language was recognised.
var ErrNothing = errors.New("nothing here says how it is built or tested")

// Find looks at the top of a checkout and returns a job for each language
// that it recognises, in a fixed order.
func Find(tree fs.FS) ([]Job, error) {
	t := top{tree}
	var jobs []Job
	for _, look := range []func(top) (Job, bool){golang, node, python, rust, ruby, maven, gradle, php, elixir} {
		if j, ok := look(t); ok {
			jobs = append(jobs, j)
		}
	}
	if len(jobs) == 0 {
		if j, ok := makefile(t); ok {
			jobs = append(jobs, j)
		}
	}
	if len(jobs) == 0 {
		return nil, ErrNothing
	}
	return jobs, nil
}

// Config is the text of a config that runs the jobs beside each other.
func Config(jobs []Job) string {
	var b strings.Builder
	_ = text.Execute(&b, jobs) // to memory, from plain data
	return b.String()
}

var text = template.Must(template.New("config").Funcs(template.FuncMap{"quote": quote}).Parse(
	`# Written by popsicle init. Try it: popsicle run
# The language is CircleCI's: popsicle config validate checks it, docs/config.md tells of it.
version: 2.1

jobs:
{{- range .}}
  # {{.Found}}
  {{.Name}}:
    docker:
      - image: {{.Image}}
    steps:
      - checkout
{{- with .Cache}}
      - restore_cache:
          keys:
            - {{.Key}}-v1-{{"{{"}} checksum "{{.Lock}}" {{"}}"}}
            - {{.Key}}-v1-
{{- end}}
{{- range .Steps}}
      - run:
          name: {{quote .Name}}
          command: {{quote .Command}}
{{- end}}
{{- with .Cache}}
      - save_cache:
          key: {{.Key}}-v1-{{"{{"}} checksum "{{.Lock}}" {{"}}"}}
          paths:
{{- range .Paths}}
            - {{.}}
{{- end}}
{{- end}}
{{end}}
workflows:
  main:
    jobs:
{{- range .}}
      - {{.Name}}
{{- end}}
`))

// quote writes text as a scalar of YAML: plain where it is safe.
func quote(s string) string {
	if strings.ContainsAny(s, `:#{}[]&*!|>'"%@,`+"`\\") || strings.TrimSpace(s) != s {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	return s
}
