package term

import (
	"fmt"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A script makes the events of a run by hand, on a clock of its own.
type script struct {
	sink event.Sink
	now  time.Time
	seen []event.Event
}

var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func newScript(sink event.Sink) *script { return &script{sink: sink, now: start} }

// after lets time pass.
func (s *script) after(d time.Duration) *script { s.now = s.now.Add(d); return s }

func (s *script) emit(e event.Event) {
	s.seen = append(s.seen, e)
	if s.sink == nil {
		return
	}
	if err := s.sink.Handle(e); err != nil {
		panic(err)
	}
}

func (s *script) at(job, step int, name string) event.At {
	return event.At{Time: s.now, Pipeline: 12, Workflow: "build_and_test", Job: name, JobID: job, Step: step}
}

// failing plays a run of four jobs of which build fails.
func failing(s *script) *script {
	s.emit(event.PipelineStarted{At: s.at(0, 0, ""), Repo: "popsicle-ci/popsicle", Commit: "1a2b3c4d5e6f", Branch: "main",
		Trigger: "cli", Source: "worktree", Jobs: 4, Workflows: []string{"build_and_test"}})
	s.emit(event.TreeRead{At: s.at(0, 0, ""), Tree: "9fceb02aaaa", Dirty: true, Files: 120, Changed: []string{"main.go"}})
	s.emit(event.JobQueued{At: s.at(1, 0, "setup"), Kind: "docker", Image: "python:3.9", Steps: 2})
	s.emit(event.JobQueued{At: s.at(2, 0, "build"), Kind: "docker", Image: "python:3.9", Steps: 3, Requires: []string{"setup"}})
	s.emit(event.JobQueued{At: s.at(3, 0, "lint"), Kind: "docker", Image: "python:3.9", Steps: 2})
	s.emit(event.JobQueued{At: s.at(4, 0, "deploy"), Kind: "docker", Image: "alpine:3", Steps: 2, Requires: []string{"build", "lint"}})
	s.job(1, "setup", func() { s.output(1, 2, "setup", "collecting\nok\n") })
	s.emit(event.JobStarted{At: s.at(3, 0, "lint")})
	s.emit(event.JobStarted{At: s.at(2, 0, "build")})
	s.step(2, 1, "build", "Spin up environment", "environment")
	s.after(1200 * time.Millisecond).emit(event.StepFinished{At: s.at(2, 1, "build"), Status: event.Success})
	s.step(3, 1, "lint", "Spin up environment", "environment")
	s.step(2, 2, "build", "pytest", "run")
	for i := range 30 {
		s.output(2, 2, "build", fmt.Sprintf("test_%d \x1b[31mFAILED\x1b[0m\n", i))
	}
	s.after(62 * time.Second).emit(event.StepFinished{At: s.at(2, 2, "build"), Status: event.Failed, ExitCode: 1, HasExit: true})
	s.emit(event.JobFinished{At: s.at(2, 0, "build"), Status: event.Failed, Kept: true, Repro: "docker run --rm -it -v \"$PWD\":/src -w /src python:3.9 sh -c pytest"})
	s.emit(event.JobFinished{At: s.at(4, 0, "deploy"), Status: event.NotRun, Reason: "requires build, which failed"})
	s.after(time.Second).emit(event.StepFinished{At: s.at(3, 1, "lint"), Status: event.Success})
	s.emit(event.JobFinished{At: s.at(3, 0, "lint"), Status: event.Success})
	s.emit(event.WorkflowFinished{At: s.at(0, 0, ""), Status: event.Failed})
	s.emit(event.PipelineFinished{At: s.at(0, 0, ""), Status: event.Failed})
	return s
}

// job plays a job of two steps that passes; during runs within the second.
func (s *script) job(id int, name string, during func()) {
	s.emit(event.JobStarted{At: s.at(id, 0, name), Engine: "unix:///var/run/docker.sock", Container: "0123456789ab"})
	s.step(id, 1, name, "Spin up environment", "environment")
	s.emit(event.JobReady{At: s.at(id, 0, name), Arch: "amd64", User: "root", WorkDir: "/root/project"})
	s.after(800 * time.Millisecond).emit(event.StepFinished{At: s.at(id, 1, name), Status: event.Success})
	s.step(id, 2, name, "make "+name, "run")
	during()
	s.after(11 * time.Second).emit(event.StepFinished{At: s.at(id, 2, name), Status: event.Success, HasExit: true})
	s.emit(event.JobFinished{At: s.at(id, 0, name), Status: event.Success})
}

func (s *script) step(id, n int, job, name, kind string) {
	s.emit(event.StepStarted{At: s.at(id, n, job), Name: name, Kind: kind, File: ".popsicle/ci.yml", Line: 10 + n})
}

func (s *script) output(id, n int, job, text string) {
	s.emit(event.Output{At: s.at(id, n, job), Text: text})
}
