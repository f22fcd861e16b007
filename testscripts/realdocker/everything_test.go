package realdocker

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// exampleFiles reads an example of the documentation.
func exampleFiles(t *testing.T, name string) map[string]string {
	t.Helper()
	files := map[string]string{}
	example := os.DirFS("../../docs/examples/" + name)
	err := fs.WalkDir(example, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(example, path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// read decodes what a command prints as JSON.
func (p place) read(into any, args ...string) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(p.must(0, args...)), into); err != nil {
		p.t.Fatalf("popsicle %s: %v", strings.Join(args, " "), err)
	}
}

// A shown is what `popsicle show --json` says of a pipeline, in part.
type shown struct {
	Status string
	Jobs   []shownJob
}

type shownJob struct {
	Name   string
	Node   int
	Status string
	Reason string
	Steps  []struct {
		Name, Kind, Status, Reason string
		ExitCode                   *int `json:"exit_code"`
	}
}

// steps are the statuses of a job's steps, by their names.
func (s shown) steps(job string) map[string]string {
	all := map[string]string{}
	for _, j := range s.Jobs {
		for _, step := range j.Steps {
			if j.Name == job {
				all[step.Name] = step.Status
			}
		}
	}
	return all
}

// TestEverything runs the example of all that a job can do, twice, and looks
// at what is kept of it.
func TestEverything(t *testing.T) {
	images.Busybox(t)
	images.Debian(t)
	p := newPlace(t, exampleFiles(t, "everything"))
	const token = "tok-3n-of-the-demo!"
	set := p.command("context", "set", "demo", "API_TOKEN")
	set.Stdin = strings.NewReader(token)
	if out, err := set.CombinedOutput(); err != nil {
		t.Fatalf("context set: %v: %s", err, out)
	}
	if out := p.must(0, "run", "hold"); !strings.Contains(out, "popsicle run --approve hold") {
		t.Errorf("a job that is held does not say how to let it go:\n%s", out)
	}
	if out := p.must(0, "run", "--approve", "all", "--param", "who=Ada"); strings.Contains(out, token) {
		t.Errorf("the context's variable is shown:\n%s", out)
	}
	p.checkShown()
	p.checkKept()
}

// checkShown looks at the jobs and steps of the last run.
func (p place) checkShown() {
	p.t.Helper()
	var s shown
	p.read(&s, "show", "--json")
	if s.Status != "success" || len(s.Jobs) != 14 {
		p.t.Errorf("%d jobs and nodes, the pipeline is %s", len(s.Jobs), s.Status)
	}
	for _, j := range s.Jobs {
		if j.Status != "success" {
			p.t.Errorf("%s[%d] is %s: %s", j.Name, j.Node, j.Status, j.Reason)
		}
	}
	flow := s.steps("flow")
	for name, want := range map[string]string{
		"fails twice, then passes": "success",
		"only after a failure":     "skipped",
		"in any case":              "success",
		"circleci-agent step halt": "success",
		"exit 1":                   "skipped",
		"touch /tmp/released":      "success",
	} {
		if flow[name] != want {
			p.t.Errorf("flow: step %q is %q, want %q", name, flow[name], want)
		}
	}
	if log := p.must(0, "logs", "--job", "secrets"); strings.Count(log, "****") != 2 {
		p.t.Errorf("the log of secrets is\n%s", log)
	}
}

// checkKept looks at artifacts, tests and caches of the last run.
func (p place) checkKept() {
	p.t.Helper()
	var artifacts []struct {
		Job, Path string
		Node      int
		Size      int64
	}
	p.read(&artifacts, "artifacts", "--json")
	paths := map[string]int{}
	for _, a := range artifacts {
		paths[a.Path]++
	}
	want := map[string]int{
		"node/box.xml": 2, "node/debian.xml": 2, "share.txt": 4,
		"release/bin/square": 1, "release/doc/square.txt": 1, "release/result.txt": 1,
	}
	if !maps.Equal(paths, want) {
		p.t.Errorf("artifacts %v, want %v", paths, want)
	}
	if got := p.must(0, "artifacts", "--job", "publish", "--get", "release/result.txt"); got != "144\n" {
		p.t.Errorf("release/result.txt is %q", got)
	}
	var tests []struct{ Job, Name, Result string }
	p.read(&tests, "tests", "--json")
	var names []string
	for _, one := range tests {
		if one.Result != "success" {
			p.t.Errorf("test %s of %s: %s", one.Name, one.Job, one.Result)
		}
		names = append(names, one.Job+" "+one.Name)
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != 18 {
		p.t.Errorf("18 tests ran once each, on two images and two nodes of each: %v", names)
	}
	var caches []struct{ Key string }
	p.read(&caches, "cache", "list", "--json")
	if len(caches) != 2 || !strings.HasPrefix(caches[0].Key, "deps-") { // of both runs
		p.t.Errorf("caches %v", caches)
	}
}
