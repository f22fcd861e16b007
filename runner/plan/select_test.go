package plan

import (
	"fmt"
	"strings"
	"testing"
)

// pipelineOf makes a pipeline of lines like "main: a, b<a, c<a+b".
func pipelineOf(lines ...string) *Pipeline {
	p := &Pipeline{Files: []File{{Path: "ci.yml"}}, Notes: []Note{{Key: "note"}}}
	for _, line := range lines {
		name, jobs, _ := strings.Cut(line, ": ")
		w := &Workflow{Name: name, File: "ci.yml"}
		for job := range strings.SplitSeq(jobs, ", ") {
			name, requires, _ := strings.Cut(job, "<")
			j := &Job{Name: name}
			for r := range strings.SplitSeq(requires, "+") {
				if r != "" {
					j.Requires = append(j.Requires, Require{Job: r, Statuses: []string{"success"}})
				}
			}
			w.Jobs = append(w.Jobs, j)
		}
		p.Workflows = append(p.Workflows, w)
	}
	return p
}

// text is pipelineOf the other way round.
func (p *Pipeline) text() string {
	var lines []string
	for _, w := range p.Workflows {
		var jobs []string
		for _, j := range w.Jobs {
			var requires []string
			for _, r := range j.Requires {
				requires = append(requires, r.Job)
			}
			job := j.Name
			if requires != nil {
				job += "<" + strings.Join(requires, "+")
			}
			jobs = append(jobs, job)
		}
		lines = append(lines, w.Name+": "+strings.Join(jobs, ", "))
	}
	return strings.Join(lines, "; ")
}

func TestSelect(t *testing.T) {
	whole := []string{"main: build, lint, test<build, ship<test+lint", "nightly: build, soak<build"}
	tests := []struct {
		name string
		s    Selection
		want string
	}{
		{"everything", Selection{}, strings.Join(whole, "; ")},
		{"a workflow", Selection{Workflow: "nightly"}, whole[1]},
		{"a job in every workflow that has it", Selection{Jobs: []string{"build"}}, "main: build; nightly: build"},
		{"a job of one workflow", Selection{Jobs: []string{"main/build"}}, "main: build"},
		{"a job of the named workflow", Selection{Workflow: "nightly", Jobs: []string{"build"}}, "nightly: build"},
		{"a job with what it requires", Selection{Jobs: []string{"test"}}, "main: build, test<build"},
		{"with all that it requires in turn", Selection{Jobs: []string{"ship"}}, whole[0]},
		{"in the order of the file", Selection{Jobs: []string{"lint", "test"}}, "main: build, lint, test<build"},
		{"only", Selection{Jobs: []string{"ship"}, Only: true}, "main: ship"},
		{"only, with one of what it requires", Selection{Jobs: []string{"ship", "lint"}, Only: true}, "main: lint, ship<lint"},
		{"twice the same", Selection{Jobs: []string{"lint", "lint", "main/lint"}}, "main: lint"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := pipelineOf(whole...)
			got, err := p.Select(tt.s)
			if err != nil {
				t.Fatal(err)
			}
			if got.text() != tt.want {
				t.Errorf("got  %s\nwant %s", got.text(), tt.want)
			}
			if len(got.Files) != 1 || len(got.Notes) != 1 {
				t.Error("files or notes are lost")
			}
			if p.text() != strings.Join(whole, "; ") {
				t.Errorf("the plan was changed: %s", p.text())
			}
		})
	}
}

func TestSelectWhatIsNotThere(t *testing.T) {
	p := pipelineOf("main: build, test<build")
	p.Workflows[0].Skipped = []Skipped{{Job: "ship", Reason: "branch x is not main", Pos: Pos{File: "ci.yml", Line: 9, Column: 3}}}
	p.Workflows = append(p.Workflows, &Workflow{Name: "nightly", Skipped: []Skipped{{Reason: "when is false", Pos: Pos{File: "ci.yml", Line: 20, Column: 1}}}})
	tests := []struct {
		s    Selection
		want string
	}{
		{Selection{Workflow: "mian"}, `no workflow is named "mian": there are main, nightly`},
		{Selection{Jobs: []string{"biuld"}}, `no job is named "biuld": there are build, test`},
		{Selection{Jobs: []string{"main/biuld"}}, `no job is named "main/biuld": there are build, test`},
		{Selection{Jobs: []string{"ship"}}, "ci.yml:9:3: job ship is left out of workflow main here: branch x is not main"},
		{Selection{Jobs: []string{"nightly"}}, "ci.yml:20:1: workflow nightly is left out here: when is false"},
		{Selection{Jobs: []string{"main/ship"}}, "ci.yml:9:3: job ship is left out of workflow main here: branch x is not main"},
		{Selection{Jobs: []string{"x", "build", "y"}}, "no job is named \"x\": there are build, test\nno job is named \"y\": there are build, test"},
		{Selection{Workflow: "nightly", Jobs: []string{"build"}}, `no job is named "build": there are none`},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.s), func(t *testing.T) {
			_, err := p.Select(tt.s)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestSelectByDefinition(t *testing.T) {
	p := pipelineOf("main: test-a, test-b, test-c<test-a", "other: test-d")
	for _, w := range p.Workflows {
		for _, j := range w.Jobs {
			j.Definition = "test"
		}
	}
	p.Workflows[0].Jobs[2].Definition = "test-a" // some job is called so: it means that job
	for want, names := range map[string][]string{
		"main: test-a, test-b; other: test-d": {"test"},
		"main: test-a":                        {"test-a"},
	} {
		got, err := p.Select(Selection{Jobs: names})
		if err != nil || got.text() != want {
			t.Errorf("Select(%v) = %v, %v; want %s", names, got.text(), err, want)
		}
	}
}
