package term

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

func require(names ...string) []plan.Require {
	var out []plan.Require
	for _, n := range names {
		out = append(out, plan.Require{Job: n, Statuses: []string{"success"}})
	}
	return out
}

// flow makes a workflow of lines "job: requirement requirement".
func flow(name string, jobs ...*plan.Job) *plan.Workflow {
	return &plan.Workflow{Name: name, File: ".popsicle/ci.yml", Jobs: jobs}
}

func pjob(name string, requires ...string) *plan.Job {
	return &plan.Job{Name: name, Kind: plan.Docker, Images: []plan.Image{{Name: "python:3.9"}}, Requires: require(requires...)}
}

// project is a plan with one of everything.
func project() *plan.Pipeline {
	test := pjob("test", "build", "lint")
	test.Images = append(test.Images, plan.Image{Name: "postgres:14"}, plan.Image{Name: "redis:6"})
	test.Parallelism = 4
	test.Steps = []plan.Step{
		{Name: "Checkout code", When: plan.OnSuccess, Do: plan.Checkout{}},
		{Name: "deps", Do: plan.RestoreCache{Keys: []string{"deps-{{ checksum \"requirements.txt\" }}", "deps-"}}},
		{Name: "pip install -r requirements.txt", Do: plan.Run{Command: "pip install -r requirements.txt"}},
		{Name: "server", Do: plan.Run{Command: "python -m http.server", Background: true}},
		{Name: "unit tests", Do: plan.Run{Command: "set -x\npytest --junitxml=results/all.xml\necho done\n"}},
		{Name: "", When: plan.Always, Do: plan.StoreTestResults{Path: "results"}},
	}
	notify := pjob("notify", "test")
	notify.Requires = append(notify.Requires, plan.Require{Job: "lint", Statuses: []string{"failed", "canceled"}})
	notify.Steps = []plan.Step{{Name: "curl", When: plan.OnFail, Do: plan.Run{Command: "curl -d failed https://example.com/hook?with=a&rather=long&query=string"}}}
	hold := &plan.Job{Name: "hold", Kind: plan.Approval, Requires: require("test")}
	w := flow("build_and_test", notify, pjob("build"), test, pjob("lint"), hold, pjob("deploy", "hold"))
	w.Skipped = []plan.Skipped{{Job: "docs", Reason: "branch main is not matched by filters.branches.only: gh-pages"}}
	return &plan.Pipeline{
		Workflows: []*plan.Workflow{w, {Name: "nightly", File: ".popsicle/nightly.yml", Skipped: []plan.Skipped{{Reason: "runs on a schedule only"}}}},
		Notes:     []plan.Note{{Pos: plan.Pos{File: ".popsicle/ci.yml", Line: 8, Column: 5}, Key: "resource_class", Text: "ignored: jobs run with what this machine has"}},
	}
}

// matrix is 1 → 198 → 1 jobs.
func matrix() *plan.Pipeline {
	jobs := []*plan.Job{pjob("setup")}
	var all []string
	for i := range 198 {
		all = append(all, fmt.Sprintf("test-%d", i+1))
		jobs = append(jobs, pjob(all[i], "setup"))
	}
	return &plan.Pipeline{Workflows: []*plan.Workflow{flow("matrix", append(jobs, pjob("deploy", all...))...)}}
}

func TestPlanGolden(t *testing.T) {
	for name, theme := range map[string]Theme{
		"plan.txt":       {Unicode: true},
		"plan-color.txt": {Unicode: true, Color: true, Size: sized(80, 24)},
		"plan-40.txt":    {Size: sized(40, 24)},
	} {
		var b bytes.Buffer
		if err := Plan(&b, project(), theme); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
	}
}
