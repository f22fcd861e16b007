package term

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// tested plays a run of two jobs whose tests fail here and there.
func tested(s *script, failures int) {
	s.emit(event.PipelineStarted{At: s.at(0, 0, ""), Repo: "a/b", Jobs: 2})
	s.emit(event.JobQueued{At: s.at(1, 0, "unit")})
	s.emit(event.JobQueued{At: s.at(2, 0, "browser")})
	for id, name := range []string{"unit", "browser"} {
		s.emit(event.JobStarted{At: s.at(id+1, 0, name)})
		s.step(id+1, 2, name, "Uploading Test Results", "store_test_results")
		tests := []event.Test{{Suite: "s", Name: "fine", Result: event.TestSuccess}, {Name: "later", Result: event.TestSkipped}}
		for i := range failures {
			tests = append(tests, event.Test{Suite: "pytest", Class: "tests.test_login", Name: fmt.Sprintf("test_%d", i), Result: event.TestFailure,
				Message: "AssertionError: expected the page to say welcome, and it said no\n  and a trace"})
		}
		s.emit(event.TestsStored{At: s.at(id+1, 2, name), Tests: tests})
		s.emit(event.ArtifactsStored{At: s.at(id+1, 2, name), Files: []event.Artifact{{Path: "a", Size: 1500}, {Path: "b", Size: 2000000}}})
		s.emit(event.StepFinished{At: s.at(id+1, 2, name), Status: event.Success})
		s.emit(event.JobFinished{At: s.at(id+1, 0, name), Status: event.Success})
	}
	s.emit(event.PipelineFinished{At: s.at(0, 0, ""), Status: event.Success})
}

func TestSummaryOfTestsAndArtifacts(t *testing.T) {
	for name, c := range map[string]struct {
		theme    Theme
		failures int
	}{
		"tests-none.txt":  {Theme{Unicode: true, Size: sized(80, 24)}, 0},
		"tests.txt":       {Theme{Unicode: true, Size: sized(80, 24)}, 2},
		"tests-many.txt":  {Theme{}, 30},
		"tests-color.txt": {Theme{Unicode: true, Color: true}, 1},
	} {
		var b bytes.Buffer
		tested(newScript(NewSummary(&b, c.theme)), c.failures)
		golden(t, name, b.String())
	}
}
