package realdocker

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// fromStep is a pipeline whose second job fails until answer says 42.
const fromStep = `version: 2.1
jobs:
  build:
    docker: [{image: IMAGE}]
    steps: [checkout, {run: echo built >out}, {persist_to_workspace: {root: ., paths: [out]}}]
  test:
    docker: [{image: IMAGE}]
    steps:
      - checkout
      - attach_workspace: {at: .}
      - run: {name: slow setup, command: "echo x >>setup; echo 'export LATER=yes' >>$BASH_ENV; echo setup runs"}
      - run: {name: unit tests, command: "cat setup out; grep -q 42 answer"}
      - run: {name: after, command: "echo at the end; rm setup"}
  deploy:
    docker: [{image: IMAGE}]
    steps: [{run: echo deploys}]
workflows: {main: {jobs: [build, {test: {requires: [build]}}, {deploy: {requires: [test]}}]}}
`

// TestFromStep repairs a file, and lets the job that failed go on where it
// failed, twice: what is kept stays as it was.
func TestFromStep(t *testing.T) {
	config := strings.ReplaceAll(fromStep, "IMAGE", images.Busybox(t))
	p := newPlace(t, map[string]string{".popsicle/ci.yml": config, "answer": "41\n"})
	p.must(1, "run")
	edit(t, p, "echo 42 >answer; sed -i 's/at the end/at the very end/' .popsicle/ci.yml")
	for range 2 {
		out := p.must(0, "rerun", "1", "test", "--from-step", "unit tests")
		for _, want := range []string{
			"job test goes on in its kept container, from step 5 unit tests", "Changed since #1, and brought into its container: .popsicle/ci.yml, answer\n",
			"slow setup: passed in #1", "| x\ntest   | built\n", "| at the very end\n", "| deploys\n", "build         passed in #1", "from step 5 unit tests on, in the container of #1",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is missing in\n%s", want, out)
			}
		}
		if strings.Contains(out, "setup runs") || strings.Contains(out, "config says other") {
			t.Errorf("the setup ran again, or is said to be another:\n%s", out)
		}
	}
	if shown := p.must(0, "show", "--json"); !strings.Contains(shown, `"partial": true`) || !strings.Contains(shown, `"reason": "passed in #1"`) {
		t.Errorf("the history has\n%s", shown)
	}

	// What fails again is kept again, and a step that is another now is told.
	edit(t, p, "echo 41 >answer; sed -i 's/setup runs/& now/' .popsicle/ci.yml")
	for _, of := range []string{"1", "4"} {
		out := p.must(1, "rerun", of, "--from-step", "5")
		if !strings.Contains(out, "the config says other than in #"+of+" of steps before that one: slow setup;") {
			t.Errorf("nothing is said of the setup of #%s:\n%s", of, out)
		}
	}

	for args, want := range map[string]string{
		"1 --from-step after":        "job test of #1 failed at step 5 unit tests, before step 6 after: --from-step 5",
		"1 --from-step unit":         `did you mean "unit tests"?`,
		"1 lint --from-step 5":       "#1 kept no container of job lint, but of main/test",
		"3 --from-step 5":            "#3 passed",
		"1 a b --from-step 5":        "popsicle rerun 12 test",
		"1 --from-step 5 --server x": "exclude each other",
	} {
		if out := p.must(2, append([]string{"rerun"}, strings.Fields(args)...)...); !strings.Contains(out, want) {
			t.Errorf("rerun %s said %q, not %q", args, out, want)
		}
	}
	p.must(0, "gc", "--all")
	if out := p.must(2, "rerun", "1", "--from-step", "5"); !strings.Contains(out, "popsicle rerun 1 --failed runs the jobs that failed") {
		t.Errorf("with nothing kept it said %q", out)
	}
}

// edit changes a place by shell commands.
func edit(t *testing.T, p place, commands string) {
	t.Helper()
	cmd := exec.Command("sh", "-ec", commands)
	cmd.Dir = p.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", commands, err, out)
	}
}
