package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-multierror"
	"github.com/popsicle-ci/popsicle/runner/config"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

const seed = `version: 2.1
jobs:
  build:
    docker:
      - image: python:3.9
    steps:
      - checkout
      - run: pip install -r requirements.txt
      - run:
          name: Tests
          command: pytest
          no_output_timeout: 90s
workflows:
  version: 2
  build_and_test:
    jobs:
      - build
`

func TestCompileReadsTheSeedsExample(t *testing.T) {
	p, err := config.Compile([]config.Source{{Path: ".popsicle/ci.yml", Text: []byte(seed)}}, config.Options{Branch: "main"})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Workflows) != 1 || p.Workflows[0].Name != "build_and_test" || len(p.Workflows[0].Jobs) != 1 {
		t.Fatalf("workflows: %+v", p.Workflows)
	}
	job := p.Workflows[0].Jobs[0]
	if job.Name != "build" || job.Kind != plan.Docker || job.Images[0].Name != "python:3.9" || len(job.Steps) != 3 {
		t.Errorf("job: %+v", job)
	}
	if run := job.Steps[2].Do.(plan.Run); run.Command != "pytest" || run.NoOutputTimeout.Seconds() != 90 {
		t.Errorf("run: %+v", run)
	}
}

func TestFilesOfAPipelineAreCompiledOnTheirOwn(t *testing.T) {
	file := func(path, parameters, image string) config.Source {
		return config.Source{Path: path, Text: []byte("version: 2.1\nparameters: {" + parameters + "}\njobs: {build: {docker: [{image: " + image + "}], steps: [checkout]}}\n")}
	}
	sources := []config.Source{
		file("a.yml", "tag: {type: string, default: x}", "a:<< pipeline.parameters.tag >>"),
		file("b.yml", "flag: {type: boolean, default: false}", "b:<< pipeline.parameters.flag >>"),
	}
	p, err := config.Compile(sources, config.Options{Parameters: map[string]string{"tag": "y", "flag": "true"}})
	if err != nil {
		t.Fatal(err)
	}
	var images []string
	for _, w := range p.Workflows {
		images = append(images, w.File+" "+w.Jobs[0].Images[0].Name)
	}
	if got := strings.Join(images, ", "); got != "a.yml a:y, b.yml b:true" {
		t.Errorf("images: %s", got)
	}
	_, err = config.Compile(sources, config.Options{Parameters: map[string]string{"tga": "y"}})
	if want := `a.yml: there is no pipeline parameter "tga"; did you mean "tag"?`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = config.Compile(append(sources, config.Source{Path: "c.yml", Text: []byte("a: [")}), config.Options{Parameters: map[string]string{"flag": "maybe"}})
	if err == nil || !strings.Contains(err.Error(), "c.yml:1:1: not valid YAML") || !strings.Contains(err.Error(), `b.yml:2:14: the parameter "flag" is "maybe"`) {
		t.Errorf("got %v", err)
	}
}

func TestPlanOfAStep(t *testing.T) {
	text := `version: 2.1
jobs:
  build:
    docker:
      - image: a
        environment: ["A=1=2", {B: yes}, "A=3"]
        entrypoint: sh -c "a  b" 'c\d' e\ f
        auth: {username: u, password: $P}
      - {image: b, name: db, user: root, command: [x]}
    steps:
      - run: {command: "make\nall", when: on_fail, background: true, no_output_timeout: 20}
      - store_artifacts: {path: out}
      - store_test_results: {path: j, when: on_success, name: Results}
      - restore_cache: {key: a, keys: [b, c]}
      - save_cache: {key: k, paths: [p]}
      - add_ssh_keys: {fingerprints: [f]}
      - checkout: {path: sub, method: shallow, depth: 3}
`
	p, err := config.Compile([]config.Source{{Path: "x.yml", Text: []byte(text)}}, config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	job := p.Workflows[0].Jobs[0]
	want := &plan.Job{
		Name: "build", Definition: "build", Kind: plan.Docker, WorkDir: "~/project", Parallelism: 1, Pos: job.Pos,
		Images: []plan.Image{
			{
				Name: "a", Entrypoint: []string{"sh", "-c", "a  b", "c\\d", "e f"}, Env: []plan.Var{{Name: "A", Value: "3"}, {Name: "B", Value: "true"}},
				Auth: &plan.Auth{Username: "u", Password: "$P"}, Pos: job.Images[0].Pos,
			},
			{Name: "b", Host: "db", User: "root", Command: []string{"x"}, Pos: job.Images[1].Pos},
		},
		Steps: []plan.Step{
			{Name: "make …", When: plan.OnFail, Do: plan.Run{Command: "make\nall", Background: true, NoOutputTimeout: 20 * time.Second}},
			{Name: "Uploading Artifacts", When: plan.Always, Do: plan.StoreArtifacts{Path: "out"}},
			{Name: "Results", When: plan.OnSuccess, Do: plan.StoreTestResults{Path: "j"}},
			{Name: "Restoring Cache", When: plan.OnSuccess, Do: plan.RestoreCache{Keys: []string{"a", "b", "c"}}},
			{Name: "Saving Cache", When: plan.OnSuccess, Do: plan.SaveCache{Key: "k", Paths: []string{"p"}}},
			{Name: "Installing additional SSH keys", When: plan.OnSuccess, Do: plan.AddSSHKeys{Fingerprints: []string{"f"}}},
			{Name: "Checkout code", When: plan.OnSuccess, Do: plan.Checkout{Path: "sub", Method: "shallow", Depth: 3}},
		},
	}
	for i := range want.Steps {
		want.Steps[i].Pos = job.Steps[i].Pos
		if job.Steps[i].Pos.Line != 11+i {
			t.Errorf("step %d is at %v", i, job.Steps[i].Pos)
		}
	}
	if !reflect.DeepEqual(job, want) {
		t.Errorf("got  %+v\nwant %+v", job, want)
	}
}

func TestASchedulesPipelineRunsItsWorkflowAlone(t *testing.T) {
	text := `version: 2.1
jobs: {a: {docker: [{image: "i:1"}], steps: [checkout]}}
workflows:
  push: {jobs: [a]}
  nightly: {triggers: [{schedule: {cron: "0 3 * * *", filters: {branches: {only: main, ignore: [x]}}}}], jobs: [a: {name: n}]}
`
	for scheduled, want := range map[string]string{"": "push:1 nightly:0", "nightly": "push:0 nightly:1"} {
		p, err := config.Compile([]config.Source{{Path: "x.yml", Text: []byte(text)}}, config.Options{Branch: "main", Scheduled: scheduled})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range p.Workflows {
			got = append(got, w.Name+":"+strconv.Itoa(len(w.Jobs)))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("scheduled %q: %v, want %s", scheduled, got, want)
		}
		schedule := p.Workflows[1].Schedules
		if len(schedule) != 1 || schedule[0].Cron != "0 3 * * *" || !reflect.DeepEqual(schedule[0].Only, []string{"main"}) || !reflect.DeepEqual(schedule[0].Ignore, []string{"x"}) {
			t.Errorf("schedules: %+v", schedule)
		}
	}
}

func TestExpandingTwiceChangesNothing(t *testing.T) {
	f, err := config.Parse("x.yml", []byte(seed))
	if err != nil {
		t.Fatal(err)
	}
	once, err := f.Expand(config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if twice, err := once.Expand(config.Options{}); err != nil || twice != once {
		t.Errorf("a second expansion gives another file, %v", err)
	}
	direct, err := f.Plan(config.Options{})
	if err != nil || len(direct.Workflows) != 1 {
		t.Errorf("the plan of a file as written: %+v, %v", direct, err)
	}
	if string(f.YAML()) == string(once.YAML()) {
		t.Error("the file as written is printed as if it were expanded")
	}
}

func TestErrorsAreTyped(t *testing.T) {
	_, err := config.Compile([]config.Source{{Path: "x.yml", Text: []byte("version: 3\njobs: 1\n")}}, config.Options{})
	var all *multierror.Error
	if !errors.As(err, &all) {
		t.Fatalf("%T", err)
	}
	for _, e := range all.Errors {
		var one *config.Error
		if !errors.As(e, &one) || one.Pos.Line == 0 || one.Message == "" || one.Hint == "" {
			t.Errorf("%T %v", e, e)
		}
	}
}

// someOrbs has orbs by their names, without anything in them, but for one.
type someOrbs struct{}

func (someOrbs) Orb(ref string) (*tree.Node, error) {
	if !strings.HasPrefix(ref, "a/known") {
		return nil, fmt.Errorf("%s: %w", ref, fs.ErrNotExist)
	}
	n, _ := tree.Read("known.yml", []byte("commands: {c: {parameters: {p: {type: boolean}, s: {type: steps}, e: {type: executor}, m: {type: enum, enum: [x]}, i: {type: integer}}, steps: [{run: << parameters.m >>}, {steps: << parameters.s >>}]}}\njobs: {j: {parameters: {e: {type: executor}}, executor: << parameters.e >>, steps: [checkout]}}\n"))
	return n, nil
}

func TestRelaxedOrbsLeaveOutWhatTheyLack(t *testing.T) {
	text := `version: 2.1
orbs: {known: a/known@9.9, gone: a/gone@1}
jobs:
  build:
    executor: gone/big
    steps: [{known/c: {q: 1, p: text}}, known/new, {gone/c: {x: [1]}}, checkout]
workflows: {w: {jobs: [build, known/j, known/k, {gone/j: {name: g, requires: [build], any: 1}}]}}
`
	o := config.Options{Orbs: someOrbs{}, RelaxOrbs: true}
	p, err := config.Compile([]config.Source{{Path: "x.yml", Text: []byte(text)}}, o)
	if err != nil {
		t.Fatal(err)
	}
	job := p.Workflows[0].Jobs[0]
	if len(p.Workflows[0].Jobs) != 4 || len(job.Steps) != 2 || job.Images[0].Name != "gone/big" || job.Steps[0].Do.(plan.Run).Command != "x" {
		t.Errorf("%+v", job)
	}
	o.RelaxOrbs = false
	if _, err = config.Compile([]config.Source{{Path: "x.yml", Text: []byte(text)}}, o); err == nil || !strings.Contains(err.Error(), "the orb a/gone@1: a/gone@1: file does not exist") {
		t.Errorf("without relaxing: %v", err)
	}
}
