package config_test

import (
	"testing"

	"github.com/popsicle-ci/popsicle/runner/config"
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
