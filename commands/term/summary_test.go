package term

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

func TestSummaryGolden(t *testing.T) {
	skipped := &plan.Pipeline{Workflows: []*plan.Workflow{{Name: "build_and_test", Skipped: []plan.Skipped{
		{Job: "docs", Reason: "branch main is not matched by filters.branches.only: gh-pages"}}}}}
	for name, theme := range map[string]Theme{
		"summary.txt":       {Unicode: true},
		"summary-color.txt": {Unicode: true, Color: true, Size: sized(80, 24)},
		"summary-40.txt":    {Size: sized(40, 24)},
	} {
		var b bytes.Buffer
		s := NewSummary(&b, theme)
		s.Plan = skipped
		failing(newScript(s))
		golden(t, name, b.String())
	}
}

// ways plays the ways in which a run ends without success or plain failure.
func ways(s *script) {
	s.emit(event.PipelineStarted{At: s.at(0, 0, ""), Jobs: 6})
	for id, name := range []string{"hung", "engine", "trapped", "nodes", "gone", "later"} {
		e := event.JobQueued{At: s.at(id+1, 0, name)}
		switch name {
		case "later":
			e.Requires = []string{"gone"}
		case "nodes":
			e.Nodes = 2
		}
		s.emit(e)
	}
	s.emit(event.JobStarted{At: s.at(1, 0, "hung")})
	s.step(1, 2, "hung", "sleep", "run")
	s.after(10 * time.Minute).emit(event.StepFinished{At: s.at(1, 2, "hung"), Status: event.TimedOut, Reason: "Too long with no output (exceeded 10m0s)"})
	s.emit(event.JobFinished{At: s.at(1, 0, "hung"), Status: event.TimedOut})
	s.emit(event.JobStarted{At: s.at(2, 0, "engine")})
	s.emit(event.JobFinished{At: s.at(2, 0, "engine"), Status: event.InfrastructureFail, Reason: "docker: image not found: nowhere/nothing:1"})
	s.emit(event.JobStarted{At: s.at(3, 0, "trapped")})
	s.step(3, 1, "trapped", "wait", "run")
	s.after(time.Second).emit(event.StepFinished{At: s.at(3, 1, "trapped"), Status: event.Canceled})
	s.emit(event.JobFinished{At: s.at(3, 0, "trapped"), Status: event.Canceled})
	for node := range 2 {
		at := s.at(4, 0, "nodes")
		at.Node = node
		s.emit(event.JobStarted{At: at})
		at.Step = 1
		s.emit(event.StepStarted{At: at, Name: "split", Kind: "run", File: "ci.yml", Line: 3})
		s.emit(event.Output{At: at, Text: fmt.Sprintf("\x1b]0;evil\a\x1b[31mnode %d\n", node)})
		s.emit(event.StepFinished{At: at, Status: []event.Status{event.Success, event.Failed}[node], ExitCode: 127, HasExit: true})
	}
	last := s.at(4, 0, "nodes")
	last.Node = 1
	s.emit(event.JobFinished{At: last, Status: event.Failed, Repro: "docker run --rm alpine sh -c 'set -e\nsplit\n'"})
	s.emit(event.JobFinished{At: s.at(4, 0, "nodes"), Status: event.Success})
	s.emit(event.JobStarted{At: s.at(5, 0, "gone")})
	s.step(5, 1, "gone", "server", "run")
	s.emit(event.JobFinished{At: s.at(5, 0, "gone"), Status: event.Interrupted})
	s.emit(event.JobFinished{At: s.at(6, 0, "later"), Status: event.NotRun, Reason: "canceled before it could start"})
	s.emit(event.PipelineFinished{At: s.at(0, 0, ""), Status: event.Canceled, Reason: "Ctrl-C"})
}

func TestSummaryOfOtherEnds(t *testing.T) {
	for name, theme := range map[string]Theme{
		"ends.txt":       {Unicode: true, Size: sized(80, 24)},
		"ends-color.txt": {Unicode: true, Color: true},
		"ends-plain.txt": {},
	} {
		var b bytes.Buffer
		if name == "ends-plain.txt" {
			p := NewPlain(&b, theme)
			ways(newScript(p))
			_ = p.Close()
		} else {
			ways(newScript(NewSummary(&b, theme)))
		}
		golden(t, name, b.String())
	}
}

func TestSummaryFoldsTheMany(t *testing.T) {
	var b bytes.Buffer
	s := newScript(NewSummary(&b, Theme{Unicode: true, Size: sized(80, 24)}))
	crowd(s)
	for id := 104; id <= 200; id++ {
		at := s.at(id, 0, fmt.Sprintf("test-%d", id))
		at.Workflow = "nightly"
		status := event.Success
		if id%25 == 0 {
			status = event.Failed
		}
		s.emit(event.JobFinished{At: at, Status: status})
	}
	s.emit(event.PipelineFinished{At: s.at(0, 0, ""), Status: event.Failed})
	golden(t, "summary-200.txt", b.String())
}

func TestCriticalPath(t *testing.T) {
	r := newRun()
	s := newScript(sinkFunc(r.apply))
	for id, requires := range [][]string{nil, nil, {"a", "b"}, {"c"}, {"a"}} {
		s.emit(event.JobQueued{At: s.at(id+1, 0, string(rune('a'+id))), Requires: requires})
	}
	for id, took := range []int{5, 7, 3, 0, 4} {
		if took == 0 {
			continue // d never started
		}
		s.emit(event.JobStarted{At: s.at(id+1, 0, "")})
		s.after(time.Duration(took) * time.Second).emit(event.JobFinished{At: s.at(id+1, 0, ""), Status: event.Success})
	}
	chain, took := r.criticalPath()
	var names string
	for _, j := range chain {
		names += j.name
	}
	if names != "bc" || took != 10*time.Second {
		t.Errorf("got %s, %v", names, took)
	}
}
