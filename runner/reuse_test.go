package runner

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// What passed is taken over, but for what hangs on a job that is run.
func TestReusable(t *testing.T) {
	job := func(name string, requires ...string) *plan.Job {
		j := &plan.Job{Name: name}
		for _, r := range requires {
			j.Requires = append(j.Requires, plan.Require{Job: r, Statuses: []string{"success"}})
		}
		return j
	}
	setup := job("setup")
	setup.Setup = "ci.yml"
	for _, test := range []struct {
		name   string
		jobs   []*plan.Job
		passed string
		want   string
	}{
		{"all", []*plan.Job{job("a"), job("b", "a")}, "a b", "a b"},
		{"failed", []*plan.Job{job("a"), job("b", "a"), job("c", "a")}, "a c", "a c"},
		{"below one that is run", []*plan.Job{job("a"), job("b", "a"), job("c", "b")}, "b c", ""},
		{"order of the file does not matter", []*plan.Job{job("c", "b"), job("b", "a"), job("a")}, "b c", ""},
		{"requires one that is not selected", []*plan.Job{job("b", "a")}, "b", "b"},
		{"setup", []*plan.Job{setup, job("b", "setup"), job("c")}, "setup b c", "c"},
		{"nothing", []*plan.Job{job("a")}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := reusable(test.jobs, func(j *plan.Job) (string, bool) {
				return "passed in #1", slices.Contains(strings.Fields(test.passed), j.Name)
			})
			if names := strings.Join(slices.Sorted(maps.Keys(got)), " "); names != test.want {
				t.Errorf("takes over %q, want %q", names, test.want)
			}
		})
	}
}
