// Package event is the vocabulary of what happens in a run, and the stream
// that carries it to its listeners. An event is said once; terminal, history
// and commit statuses each make of it what they need.
package event

import "time"

// Status is the state of a pipeline, workflow, job or step, in CircleCI's
// words.
type Status string

// The states.
const (
	Queued             Status = "queued"
	Running            Status = "running"
	OnHold             Status = "on_hold"
	Success            Status = "success"
	Failed             Status = "failed"
	Canceled           Status = "canceled"
	NotRun             Status = "not_run" // its requirements can no longer be met
	TimedOut           Status = "timedout"
	InfrastructureFail Status = "infrastructure_fail" // docker, git, the disk or popsicle could not do its part
	Interrupted        Status = "interrupted"         // popsicle itself died
	Skipped            Status = "skipped"             // steps only: its condition did not hold
)

// Ended says whether s is a state that does not change any more.
func (s Status) Ended() bool {
	switch s {
	case Queued, Running, OnHold, "":
		return false
	}
	return true
}

// Passed says whether s counts as good news.
func (s Status) Passed() bool { return s == Success || s == Skipped || s == NotRun }

// Worse returns the status that two parts make together: the whole goes on
// while a part does, and fails as its worst part does. A part that was not run
// fails nothing.
func Worse(a, b Status) Status {
	if weights[b] > weights[a] {
		return b
	}
	return a
}

var weights = map[Status]int{
	Canceled: 1, TimedOut: 2, Failed: 2, InfrastructureFail: 3, Interrupted: 4, OnHold: 5, Queued: 6, Running: 7,
}

// At says when and where something happened. Zero fields do not apply.
type At struct {
	Time     time.Time
	Pipeline int64
	Workflow string
	Job      string
	JobID    int // the job's place in the pipeline, from 1; 0: not of a job
	Node     int // the container among a job's parallel ones, from 0
	Step     int // the step's place in its job, from 1; 0: not of a step
}

// Where returns a itself: every event embeds At and so is an Event.
func (a At) Where() At { return a }

// stamped returns a with the time filled in.
func (a At) stamped(now time.Time) At {
	if a.Time.IsZero() {
		a.Time = now
	}
	return a
}

// An Event is one thing that happened in a run.
type Event interface {
	Where() At
	// Type is the event's name in --json and in the API: "job_started".
	Type() string
	stamp(now time.Time) Event
}

// PipelineStarted opens a run.
type PipelineStarted struct {
	At
	Repo      string // "owner/name" where a remote says so, else the folder's name
	Root      string // the checkout on this host
	Commit    string // full SHA, empty before the first commit
	Branch    string // empty on a tag or a detached HEAD
	Tag       string
	Subject   string // first line of the commit's message
	Author    string
	Trigger   string // "cli", "webhook", "api", "schedule"
	Source    string // "worktree", "index", "commit"
	Files     []ConfigFile
	Config    string // SHA-256 in hex of the files as compiled: what was asked for
	Jobs      int
	Workflows []string
	Asked     Request
	Partial   bool // it proves nothing about the whole: jobs were named, or taken over from another tree
}

// A Request is what was asked of a run, so that it can be asked again. It has
// no values of variables and no secrets: those are given anew.
type Request struct {
	Jobs       []string          `json:",omitempty"` // the jobs that were named
	Only       bool              `json:",omitempty"` // without what they require
	Workflow   string            `json:",omitempty"`
	Parameters map[string]string `json:",omitempty"`
	Branch     string            `json:",omitempty"` // played to filters and jobs
	Tag        string            `json:",omitempty"` // likewise
	Configs    []string          `json:",omitempty"` // files that took the place of the checkout's own, absolute
	Platforms  []string          `json:",omitempty"` // as given: "linux/amd64", "IMAGE=linux/amd64"
	NoSecrets  bool              `json:",omitempty"`
	AnyContext bool              `json:",omitempty"` // contexts that are not known are empty
	Machine    string            `json:",omitempty"` // the image of machine jobs
	Limits     bool              `json:",omitempty"` // jobs had what their resource classes give
	Rerun      int64             `json:",omitempty"` // the pipeline that it runs again
	Failed     bool              `json:",omitempty"` // but for the jobs that passed there
	FromStep   string            `json:",omitempty"` // with one job that failed there from this step on: "test: 4 go test"
}

// A ConfigFile is one file of the pipeline's config.
type ConfigFile struct{ Path, SHA256 string }

// TreeRead tells which tree is tested, once it is known.
type TreeRead struct {
	At
	Tree     string // git tree hash of what is tested
	Dirty    bool   // something differs from the commit
	Equal    bool   // Tree is exactly the commit's: also what a sparse checkout leaves out is in it
	Unstable bool   // files changed while it was read: no proof of Tree
	Files    int
	Bytes    int64
	Changed  []string // paths that differ from the commit, the first hundred
}

// JobQueued announces a job of the plan, with all its nodes. Every job is
// announced, in the order of the plan, before the first starts; the jobs of
// workflows that a setup config has made, when it has, and those of a rerun,
// when the workflow has failed.
type JobQueued struct {
	At
	Kind     string   // plan.Kind
	Image    string   // of the primary container
	Requires []string // names of jobs in the same workflow
	Steps    int
	Nodes    int    // containers that run the same steps; 0 counts as 1
	PlanHash string // of the resolved job: steps, image, environment names
	EnvNames []string
	RerunOf  int // JobID of the failed job, or the one behind it, that this one runs again; 0: none
}

// JobStarted says that the job's requirements are met and the container of
// a node of it is being made. It is said again where an engine died and the
// node is tried on another: the numbers of its steps go on.
type JobStarted struct {
	At
	Engine    string // the docker endpoint
	Runner    string // what the user calls it; empty: the run has no other
	Container string
}

// JobHeld says that an approval job waits for somebody to approve it.
type JobHeld struct{ At }

// JobReady says what the job runs on, once its container answers.
type JobReady struct {
	At
	ImageDigest string
	Arch        string // "arm64"
	Emulated    bool   // the image is not of the engine's architecture
	User        string
	WorkDir     string
}

// StepStarted opens a step. The first of a job is "Spin up environment".
type StepStarted struct {
	At
	Name       string
	Kind       string // plan.Action.StepKind, or "environment" for the first
	Command    string // as written, for run steps
	Shell      string // the command line that runs it, for run steps
	Background bool
	File       string // config file and line that asked for the step
	Line       int
}

// Output is text a step wrote, cut anywhere. Secrets are already masked.
type Output struct {
	At
	Text string
}

// StepFinished closes a step.
type StepFinished struct {
	At
	Status   Status
	ExitCode int    // meaningful where HasExit
	HasExit  bool   // a command ran to its end
	Reason   string // why, where the exit code does not say it: "Too long with no output (exceeded 10m0s)"
}

// ArtifactsStored tells of files that a step kept, some thousands at most: a
// step that keeps more says it several times. They lie in the stash one after
// the other.
type ArtifactsStored struct {
	At
	Blob  string // what has their bytes in the stash
	Bytes int64  // of the blob
	Files []Artifact
}

// An Artifact is one file that a step kept.
type Artifact struct {
	Path   string // relative, with slashes; unique in its job, where a later one replaces the one before
	Size   int64  // bytes
	Offset int64  // where it begins in the blob
}

// TestsStored tells of tests that a step read the results of, some thousands
// at most.
type TestsStored struct {
	At
	Tests []Test
}

// A Test is one test that ran.
type Test struct {
	Suite, Class, Name string
	File               string // as the test runner wrote it; often empty
	Result             TestResult
	Seconds            float64
	Message            string // why it did not pass
}

// TestResult is how a test ended.
type TestResult string

// The results of tests.
const (
	TestSuccess TestResult = "success"
	TestFailure TestResult = "failure" // what it asserts does not hold
	TestError   TestResult = "error"   // it broke down
	TestSkipped TestResult = "skipped"
)

// Passed says whether r counts as good news.
func (r TestResult) Passed() bool { return r == TestSuccess || r == TestSkipped }

// JobFinished closes a node of a job; also one that never started. It is
// said once of every node: the job itself has ended with the last of its
// JobQueued.Nodes, as the worst of them.
type JobFinished struct {
	At
	Status Status
	Reason string // "requires build, which failed"
	Repro  string // for a failed job: a shell command (docker run …) that repeats it without popsicle
	Kept   bool   // its container is kept for popsicle shell
}

// WorkflowFinished closes a workflow.
type WorkflowFinished struct {
	At
	Status Status
}

// PipelineFinished closes a run.
type PipelineFinished struct {
	At
	Status Status
	Reason string
}

// Message is something the user should know that changes no status: a pull's
// progress, an emulated image, a grace period that runs.
type Message struct {
	At
	Level Level
	Text  string
}

// Level is how much a Message matters.
type Level string

// The levels.
const (
	Info    Level = "info"
	Warning Level = "warning"
)

// Type names an event in --json output and in the API.
func (PipelineStarted) Type() string  { return "pipeline_started" }
func (TreeRead) Type() string         { return "tree_read" }
func (JobQueued) Type() string        { return "job_queued" }
func (JobStarted) Type() string       { return "job_started" }
func (JobHeld) Type() string          { return "job_held" }
func (JobReady) Type() string         { return "job_ready" }
func (StepStarted) Type() string      { return "step_started" }
func (Output) Type() string           { return "output" }
func (StepFinished) Type() string     { return "step_finished" }
func (ArtifactsStored) Type() string  { return "artifacts_stored" }
func (TestsStored) Type() string      { return "tests_stored" }
func (JobFinished) Type() string      { return "job_finished" }
func (WorkflowFinished) Type() string { return "workflow_finished" }
func (PipelineFinished) Type() string { return "pipeline_finished" }
func (Message) Type() string          { return "message" }

func (e PipelineStarted) stamp(t time.Time) Event  { e.At = e.stamped(t); return e }
func (e TreeRead) stamp(t time.Time) Event         { e.At = e.stamped(t); return e }
func (e JobQueued) stamp(t time.Time) Event        { e.At = e.stamped(t); return e }
func (e JobStarted) stamp(t time.Time) Event       { e.At = e.stamped(t); return e }
func (e JobHeld) stamp(t time.Time) Event          { e.At = e.stamped(t); return e }
func (e JobReady) stamp(t time.Time) Event         { e.At = e.stamped(t); return e }
func (e StepStarted) stamp(t time.Time) Event      { e.At = e.stamped(t); return e }
func (e Output) stamp(t time.Time) Event           { e.At = e.stamped(t); return e }
func (e StepFinished) stamp(t time.Time) Event     { e.At = e.stamped(t); return e }
func (e ArtifactsStored) stamp(t time.Time) Event  { e.At = e.stamped(t); return e }
func (e TestsStored) stamp(t time.Time) Event      { e.At = e.stamped(t); return e }
func (e JobFinished) stamp(t time.Time) Event      { e.At = e.stamped(t); return e }
func (e WorkflowFinished) stamp(t time.Time) Event { e.At = e.stamped(t); return e }
func (e PipelineFinished) stamp(t time.Time) Event { e.At = e.stamped(t); return e }
func (e Message) stamp(t time.Time) Event          { e.At = e.stamped(t); return e }
