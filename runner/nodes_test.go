package runner

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// Each node has a container and a checkout of its own.
func TestNodesAreContainersOfTheirOwn(t *testing.T) {
	r := newRig(t, map[string]string{"f": "x"})
	job := jobOn(images.Busybox(t), plan.Checkout{}, "mkdir mine && echo $CIRCLE_NODE_INDEX/$CIRCLE_NODE_TOTAL $CIRCLE_WORKFLOW_JOB_ID; ls",
		plan.Run{Command: "echo deployed", LastNode: true})
	job.Parallelism = 3
	run := r.runner()
	o := &Orchestrator{Jobs: run, Out: run.Out, Parallel: 2}
	status := o.Run(t.Context(), 7, &plan.Pipeline{Workflows: []*plan.Workflow{{Name: "w", Jobs: []*plan.Job{job}}}})
	run.Close(t.Context())
	if status != event.Success {
		t.Fatalf("ended as %s: %s", status, r.story())
	}
	said := map[int]string{}
	for _, e := range r.events {
		if out, ok := e.(event.Output); ok && out.Step >= 3 {
			said[out.Node] += out.Text
		}
	}
	id := run.Build.jobID(1)
	for node := range 3 {
		want := fmt.Sprintf("%d/3 %s\nf\nmine\n", node, id)
		if node == 2 {
			want += "deployed\n" // a step for the last node alone
		}
		if said[node] != want {
			t.Errorf("node %d said %q, want %q", node, said[node], want)
		}
	}
}

func TestHalt(t *testing.T) {
	halt := "circleci-agent step halt; echo after"
	tests := []struct {
		name  string
		steps []any
		want  event.Status
		story string
	}{
		{"ends the job well", []any{halt, "echo no", always(plan.Run{Command: "echo no"})}, event.Success, "2<after/>=success:0 3=skipped 4=skipped"},
		{"does not heal a failure", []any{"false", always(plan.Run{Command: halt}), onFail(plan.Run{Command: "echo no"})}, event.Failed, "2=failed:1 3<after/>=success:0 4=skipped"},
		{"may fail itself", []any{"circleci task halt; exit 3", always(plan.Run{Command: "echo no"})}, event.Failed, "2=failed:3 3=skipped"},
	}
	r := newRig(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := r.run(jobOn(images.Busybox(t), tt.steps...))
			_, story, _ := strings.Cut(r.story(), " ")
			if o.Status != tt.want || story != tt.story {
				t.Errorf("%s: %s, want %s: %s", o.Status, story, tt.want, tt.story)
			}
		})
	}
}

// The commands of a job, on an image that has little and one that has more,
// for another user too.
func TestCommandsOfAJob(t *testing.T) {
	timings := func(context.Context, string, string) []Timing {
		return []Timing{{ByFile, "t/a.py", 9}, {ByFile, "t/b.py", 4}, {ByFile, "t/c.py", 4.5}}
	}
	for name, image := range map[string]plan.Image{
		"busybox": {Name: images.Busybox(t)}, "debian": {Name: images.Debian(t)}, "another user": {Name: images.Debian(t), User: "1234:1234"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, map[string]string{"t/a.py": "", "t/b.py": "", "t/c.py": ""})
			job := jobOn("", plan.Checkout{}, "circleci tests glob 't/**/*.py' | circleci tests split --split-by=timings",
				"echo 'hi $WHO ${NONE:-x}' | circleci env subst",
				"circleci tests glob 't/*.py' | circleci-agent tests run --command='xargs echo run'")
			job.Images[0], job.Parallelism, job.WorkDir, job.Env = image, 2, "/tmp/work", []plan.Var{{Name: "WHO", Value: "me"}, {Name: "PATH", Value: "/bin:/usr/bin"}}
			r.must(t, r.run(job, func(r *Runner) { r.Timings = timings }))
			if got, want := r.said(3)+r.said(4)+r.said(5), "t/a.py\nhi me x\nrun t/a.py t/c.py\n"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
