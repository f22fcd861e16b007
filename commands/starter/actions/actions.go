// Package actions carries workflows of GitHub Actions over into a config of
// popsicle: jobs, images, services, matrices, commands and the actions that
// have a counterpart. What has none is left as a comment where it stood, so that
// a reader finds it; nothing is guessed.
package actions

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// ErrNothing means that no workflow has a job that can be carried over.
var ErrNothing = errors.New("no workflow in .github/workflows has a job that runs on Linux when something is pushed")

// A Config is what came out.
type Config struct {
	Text string // the config
	Jobs []Job
	Left []string // what was left out of it, each with its file and line
}

// A Job says what became of one job.
type Job struct{ Name, Image, Found string }

// Convert reads .github/workflows of a checkout. A file that is no YAML is
// left out, and said so in Left.
func Convert(checkout fs.FS) (Config, error) {
	files, _ := fs.Glob(checkout, ".github/workflows/*.y*ml") // the pattern is good
	slices.Sort(files)
	c := converter{names: map[string]bool{}}
	for _, file := range files {
		text, err := fs.ReadFile(checkout, file)
		if err != nil {
			return Config{}, err
		}
		c.file(file, text)
	}
	if len(c.out.Jobs) == 0 {
		return c.out, ErrNothing
	}
	c.out.Text = c.text()
	return c.out, nil
}

// A converter holds what was made of the files so far.
type converter struct {
	names     map[string]bool // of jobs, over all files
	jobs      []job
	workflows []workflow
	out       Config
}

// A workflow is one file.
type workflow struct {
	name string
	jobs []*tree.Node // entries of the workflow's job list
	tags bool         // it runs for tags alone
}

// left notes that something is not in the config.
func (c *converter) left(n *tree.Node, format string, values ...any) string {
	what := fmt.Sprintf(format, values...)
	c.out.Left = append(c.out.Left, fmt.Sprintf("%s:%d: %s", n.File, n.Line, what))
	return what
}

// file carries over one workflow, if something that is pushed starts it.
func (c *converter) file(file string, text []byte) {
	doc, mistakes := tree.Read(file, text)
	if len(mistakes) > 0 {
		c.out.Left = append(c.out.Left, mistakes[0].Error())
		return
	}
	if !doc.Is(tree.Map) {
		return
	}
	if !startsWithPush(doc) {
		c.left(doc, "the whole file: no push and no pull request starts it")
		return
	}
	w := workflow{name: slug(strings.TrimSuffix(path.Base(file), path.Ext(file))), tags: forTags(event(doc, "push")) && event(doc, "pull_request") == nil}
	r := renames{}
	for _, p := range pairs(doc.Get("jobs")) {
		if !c.fits(p.Key, p.Value) {
			continue
		}
		r[p.Key.Text] = c.freeName(slug(p.Key.Text), w.name)
	}
	for _, p := range pairs(doc.Get("jobs")) {
		if name := r[p.Key.Text]; name != "" {
			c.job(&w, doc, p, name, r)
		}
	}
	if len(w.jobs) > 0 {
		c.workflows = append(c.workflows, w)
	}
}

// renames are the names of the jobs that are carried over, by their old ones.
type renames map[string]string

// freeName is name, or one that tells the file too, where another has it.
func (c *converter) freeName(name, file string) string {
	if c.names[name] {
		name = file + "-" + name
	}
	for base, i := name, 2; c.names[name]; i++ {
		name = fmt.Sprintf("%s-%d", base, i)
	}
	c.names[name] = true
	return name
}

// fits says whether a job can run in a Linux container.
func (c *converter) fits(name, job *tree.Node) bool {
	switch runsOn := systems(job); {
	case job.Get("uses") != nil:
		c.left(name, "job %s: it calls the workflow %s", name.Text, job.Get("uses").Text)
	case foreign.MatchString(runsOn) && !strings.Contains(runsOn, "ubuntu"):
		c.left(name, "job %s: it runs on %s", name.Text, runsOn)
	case len(items(job.Get("steps"))) == 0:
		c.left(name, "job %s: it has no steps", name.Text)
	default:
		return true
	}
	return false
}

// foreign are the systems that no Linux container can be.
var foreign = regexp.MustCompile(`(?i)macos|windows`)

// systems names what a job runs on, with the values of its matrix put in.
func systems(job *tree.Node) string {
	text := words(job.Get("runs-on"))
	for _, p := range pairs(job.Get("strategy").Get("matrix")) {
		text = expression("matrix."+p.Key.Text).ReplaceAllLiteralString(text, words(p.Value))
	}
	return text
}

// event returns what "on" says of an event, or nil.
func event(doc *tree.Node, name string) *tree.Node {
	on := doc.Get("on")
	if on.Scalar() && on.Text == name {
		return on
	}
	for _, item := range items(on) {
		if item.Text == name {
			return item
		}
	}
	if on == nil || on.Kind != tree.Map {
		return nil
	}
	if key := on.KeyNode(name); key != nil {
		if v := on.Get(name); v.Kind != tree.Null {
			return v
		}
		return key
	}
	return nil
}

// startsWithPush says whether a push, a pull request or its merge starts it.
func startsWithPush(doc *tree.Node) bool {
	return event(doc, "push") != nil || event(doc, "pull_request") != nil || event(doc, "pull_request_target") != nil || event(doc, "merge_group") != nil
}

// forTags says whether a push event is for tags alone.
func forTags(push *tree.Node) bool {
	return push.Get("tags") != nil && push.Get("branches") == nil && push.Get("branches-ignore") == nil
}
