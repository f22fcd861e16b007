package realdocker

import (
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// stuckTar is a run step after which the image's tar never ends, and says
// that it has begun.
const stuckTar = `
      - run: |
          tar=$(command -v tar) && rm "$tar"
          printf '#!/bin/sh\n: >/tmp/reached\nexec sleep 300\n' >"$tar"
          chmod +x "$tar"`

// phases are steps in the middle of which a container can be killed.
var phases = map[string]string{
	"run":                  `{run: ": >/tmp/reached; sleep 300"}`,
	"checkout":             `checkout`,
	"save_cache":           `{save_cache: {key: other, paths: [/tmp/kept]}}`,
	"restore_cache":        `{restore_cache: {key: first}}`,
	"persist_to_workspace": `{persist_to_workspace: {root: /tmp, paths: [kept]}}`,
	"attach_workspace":     `{attach_workspace: {at: /tmp}}`,
	"store_artifacts":      `{store_artifacts: {path: /tmp/kept}}`,
	"store_test_results":   `{store_test_results: {path: /tmp/kept}}`,
}

// inPhase is a pipeline of a job that leaves something and one that is killed
// in a step, after which others would run.
func inPhase(image, step string) map[string]string {
	return map[string]string{"file": "content\n", ".popsicle/ci.yml": strings.NewReplacer("IMAGE", image, "STUCK", stuckTar, "STEP", step).Replace(`version: 2.1
jobs:
  first:
    docker: [{image: IMAGE}]
    steps:
      - run: mkdir /tmp/kept; echo content >/tmp/kept/file
      - save_cache: {key: first, paths: [/tmp/kept]}
      - persist_to_workspace: {root: /tmp, paths: [kept]}
  one:
    docker: [{image: IMAGE}]
    steps:
      - run: mkdir /tmp/kept; echo content >/tmp/kept/file; echo the log before
      - STEP
      - run: echo after
      - run: {command: echo cleanup, when: always}
  two:
    docker: [{image: IMAGE}]
    steps: [checkout]
workflows:
  main: {jobs: [first, one: {requires: [first]}, two: {requires: [one]}]}
`)}
}

// TestFaultPrimaryKilled kills the container of a job in the middle of every
// kind of step. That is not the job's news: it ends at once as an
// infrastructure failure, what ran before is kept, and nothing stays.
func TestFaultPrimaryKilled(t *testing.T) {
	image := images.Debian(t) // busybox prefers the tar in itself
	for phase, step := range phases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			files := inPhase(image, step)
			if phase != "run" {
				files[".popsicle/ci.yml"] = strings.Replace(files[".popsicle/ci.yml"], "echo the log before", "echo the log before"+stuckTar, 1)
			}
			p := newPlace(t, files)
			container, step := "", 0
			r := p.runWith(func(e said) {
				switch {
				case e.Job != "one":
				case e.Type == "job_started":
					container = e.Container
				case e.Type == "step_started":
					if step++; step == 4 || phase == "run" && step == 3 {
						p.waitFor("the step is in the middle", func() bool { return inside(container, "test", "-e", "/tmp/reached") })
						p.docker("kill", container)
					}
				}
			})
			r.wants(3, "one", "infrastructure_fail", "the container ended while the step ran")
			if failed := r.steps("one", "failed"); len(failed) > 0 {
				t.Errorf("steps failed: %+v", failed)
			}
			if out := p.must(0, "logs", "--job", "one"); !strings.Contains(out, "the log before") || strings.Contains(out, "cleanup") {
				t.Errorf("the log is %s", out)
			}
			if end, _ := r.ends("two"); end.Status != "not_run" {
				t.Errorf("the job after it is %s", end.Status)
			}
			if left := p.ours(); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}
