package runner

import (
	"slices"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// jobsOf makes jobs of lines like "test < build, lint:failed|canceled": a
// name, and what it requires. A requirement without statuses wants success.
func jobsOf(lines ...string) []*plan.Job {
	var jobs []*plan.Job
	for _, line := range lines {
		name, requires, _ := strings.Cut(line, " < ")
		j := &plan.Job{Name: name, Kind: plan.Docker}
		for r := range strings.SplitSeq(requires, ", ") {
			if r == "" {
				continue
			}
			job, statuses, ok := strings.Cut(r, ":")
			if !ok {
				statuses = "success"
			}
			j.Requires = append(j.Requires, plan.Require{Job: job, Statuses: strings.Split(statuses, "|")})
		}
		jobs = append(jobs, j)
	}
	return jobs
}

func TestGraph(t *testing.T) {
	tests := []struct {
		name  string
		jobs  []string
		moves string // "a=success b=failed": how jobs end, in this order
		want  string // what next gives out before the first and after each move; -x is hopeless
	}{
		{"no jobs", nil, "", ""},
		{"one", []string{"a"}, "a=success", "a /"},
		{"independent jobs keep the order of the file", []string{"b", "a", "c"}, "", "b a c"},
		{"a chain", []string{"c < b", "b < a", "a"}, "a=success b=success c=success", "a / b / c /"},
		{"a diamond waits for both", []string{"a", "b < a", "c < a", "d < b, c"}, "a=success c=success b=success", "a / b c / / d"},
		{"each job is given out once", []string{"a", "b", "c < a"}, "a=success b=success", "a b / c /"},
		{"a failure ends the hope of what requires success", []string{"a", "b < a", "c < b"}, "a=failed", "a / -b"},
		{"the hopeless are not_run to those after them", []string{"a", "b < a", "c < b:not_run"}, "a=failed b=not_run", "a / -b / c"},
		{"on failure", []string{"a", "b < a:failed", "c < a:success|failed"}, "a=failed", "a / b c"},
		{"on failure, after a success", []string{"a", "b < a:failed", "c < a:success|failed"}, "a=success", "a / -b c"},
		{"a timeout counts as failed", []string{"a", "b < a:failed"}, "a=timedout", "a / b"},
		{"a broken engine counts as failed", []string{"a", "b < a:failed"}, "a=infrastructure_fail", "a / b"},
		{"canceled", []string{"a", "b < a:canceled", "c < a"}, "a=canceled", "a / -c b"},
		{"one hopeless requirement decides, the other may come", []string{"a", "b", "c < a, b"}, "a=failed b=success", "a b / -c /"},
		{"a requirement named twice", []string{"a", "b < a, a"}, "a=success", "a / b"},
		{"a requirement named twice, in contradiction", []string{"a", "b < a, a:failed"}, "a=success", "a / -b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			jobs := jobsOf(tt.jobs...)
			g := newGraph(jobs)
			index := map[string]int{}
			for i, j := range jobs {
				index[j.Name] = i
			}
			var got []string
			take := func() {
				for _, i := range g.next() {
					got = append(got, jobs[i].Name)
				}
			}
			take()
			for move := range strings.FieldsSeq(tt.moves) {
				got = append(got, "/")
				name, status, _ := strings.Cut(move, "=")
				for _, h := range g.finish(index[name], name, event.Status(status)) {
					got = append(got, "-"+jobs[h.job].Name)
					if want := "requires " + name + ", which ended as " + status; h.reason != want {
						t.Errorf("reason %q, want %q", h.reason, want)
					}
				}
				take()
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Whatever the graph and however jobs end, each job is given out or hopeless,
// once, and never before what it requires.
func FuzzGraph(f *testing.F) {
	f.Add([]byte{3, 0, 1, 2, 7, 1, 0})
	f.Add([]byte{9, 255, 254, 17, 3, 99, 0, 4, 200, 13, 8, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		take := func() int {
			if len(data) == 0 {
				return 0
			}
			b := data[0]
			data = data[1:]
			return int(b)
		}
		statuses := []string{"success", "failed", "canceled", "not_run"}
		var jobs []*plan.Job
		for i := range 1 + take()%12 {
			j := &plan.Job{Name: string(rune('a' + i))}
			for k := range i {
				if b := take(); b%3 == 0 {
					j.Requires = append(j.Requires, plan.Require{Job: jobs[k].Name, Statuses: statuses[:1+b/3%4]})
				}
			}
			jobs = append(jobs, j)
		}
		ended := map[string]bool{}
		g := newGraph(jobs)
		queue := g.next()
		var end func(i int, s string)
		end = func(i int, s string) {
			if name := jobs[i].Name; ended[name] {
				t.Fatalf("%s ended twice", name)
			}
			ended[jobs[i].Name] = true
			for _, h := range g.finish(i, jobs[i].Name, event.Status(s)) {
				end(h.job, "not_run")
			}
		}
		for len(queue) > 0 {
			at := take() % len(queue)
			i := queue[at]
			queue = slices.Delete(queue, at, at+1)
			for _, r := range jobs[i].Requires {
				if !ended[r.Job] {
					t.Fatalf("%s starts before %s ended", jobs[i].Name, r.Job)
				}
			}
			end(i, statuses[take()%4])
			queue = append(queue, g.next()...)
		}
		if len(ended) != len(jobs) {
			t.Fatalf("%d of %d jobs ended", len(ended), len(jobs))
		}
	})
}
