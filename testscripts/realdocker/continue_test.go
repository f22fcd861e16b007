package realdocker

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// setupConfig finds out what has changed since main, as a path filter does, and
// continues with a second config: by the calls that CircleCI's orbs make.
const setupConfig = `version: 2.1
setup: true
orbs:
  filter:
    commands:
      continue:
        parameters:
          config: {type: string}
          pairs: {type: string}
        steps:
          - run:
              name: find what changed
              environment: {PAIRS: << parameters.pairs >>}
              command: |
                base=$(git merge-base origin/main HEAD 2>/dev/null || git merge-base main HEAD)
                git diff --name-only "$base" HEAD >/tmp/changed
                cat /tmp/changed
                python3 - \<<'EOF'
                import json, os, re
                changed = open("/tmp/changed").read().split()
                out = {}
                for line in os.environ["PAIRS"].strip().splitlines():
                    pattern, name, value = line.split()
                    if any(re.fullmatch(pattern, path) for path in changed):
                        out[name] = json.loads(value)
                json.dump(out, open("/tmp/parameters.json", "w"))
                EOF
          - run:
              name: continue the pipeline
              environment: {CONFIG: << parameters.config >>}
              command: |
                python3 - \<<'EOF'
                import json, os
                json.dump({
                    "continuation-key": os.environ["CIRCLE_CONTINUATION_KEY"],
                    "configuration": open(os.environ["CONFIG"]).read(),
                    "parameters": json.load(open("/tmp/parameters.json")),
                }, open("/tmp/post.json", "w"))
                EOF
                [[ $(curl --retry 5 --retry-delay 0 -o /dev/stderr -w '%{http_code}' -XPOST \
                  -H "Content-Type: application/json" -H "Accept: application/json" \
                  --data @/tmp/post.json "https://circleci.com/api/v2/pipeline/continue") -eq 200 ]]
workflows:
  filtering:
    jobs: [look]
jobs:
  look:
    docker: [{image: popsicle-test/cimg}]
    steps:
      - checkout
      - filter/continue:
          config: .circleci/more.yml
          pairs: |
            api/.* api true
            web/.* web true
            .* files 3
`

const moreConfig = `version: 2.1
parameters:
  api: {type: boolean, default: false}
  web: {type: boolean, default: false}
  files: {type: integer, default: 0}
jobs:
  test:
    parameters: {part: {type: string}}
    docker: [{image: popsicle-test/cimg}]
    steps:
      - checkout
      - run: echo "part << parameters.part >>, << pipeline.parameters.files >> files, setup << pipeline.in_setup >> ${CIRCLE_CONTINUATION_KEY:-no key}"
workflows:
  api: {when: << pipeline.parameters.api >>, jobs: [test: {name: test-api, part: api}]}
  web: {when: << pipeline.parameters.web >>, jobs: [test: {name: test-web, part: web}]}
`

func TestContinuation(t *testing.T) {
	images.Cimg(t)
	p := newPlace(t, map[string]string{".circleci/config.yml": setupConfig, ".circleci/more.yml": moreConfig, "api/main.py": "1\n", "web/main.js": "1\n"})
	p.git("checkout -qb feature && echo 2 >api/main.py && git commit -qam second")
	out := p.must(0, "run", "--plain")
	for _, want := range []string{
		`{"message":"accepted"}`, "job look continued the pipeline: 1 job in api", "workflow web is left out",
		"part api, 3 files, setup false no key", "pipeline #1 passed",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if strings.Contains(out, "test-web |") {
		t.Errorf("the job of the other part has run:\n%s", out)
	}
	if shown := p.must(0, "show", "1"); !strings.Contains(shown, "test-api") || !strings.Contains(shown, "look") {
		t.Errorf("both configs' jobs are of one pipeline:\n%s", shown)
	}

	if out := p.must(0, "run", "--plain", "test-api"); !strings.Contains(out, "1 job in api") {
		t.Errorf("a job of the second config can be named:\n%s", out)
	}
	if out := p.must(0, "run", "--plain", "look"); strings.Contains(out, "part api") || !strings.Contains(out, "only a part") {
		t.Errorf("the setup job alone:\n%s", out)
	}
	if out := p.must(0, "run", "--dry-run"); !strings.Contains(out, "known once") {
		t.Errorf("a dry run says that there is more:\n%s", out)
	}

	p.write(".circleci/more.yml", func(text string) string { return strings.Replace(text, "\n", "\nsetup: true\n", 1) })
	if out := p.must(1, "run", "--plain"); !strings.Contains(out, "continuation of .circleci/config.yml:2:8: a setup config may not make another one") {
		t.Errorf("mistakes of the second config are told at their places:\n%s", out)
	}
}

// git changes the checkout by a line of shell after git.
func (p place) git(line string) {
	p.t.Helper()
	cmd := exec.Command("sh", "-c", "git "+line)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("git %s: %v: %s", line, err, out)
	}
}
