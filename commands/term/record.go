package term

import "github.com/popsicle-ci/popsicle/runner/event"

// The records are the shape of events in JSON. Fields that do not apply are
// left out; docs/json.md describes each.

// head is what all events have.
type head struct {
	Schema   int    `json:"schema"`
	Type     string `json:"type"`
	Time     string `json:"time"`
	Pipeline int64  `json:"pipeline"`
	Workflow string `json:"workflow,omitempty"`
	Job      string `json:"job,omitempty"`
	JobID    int    `json:"job_id,omitempty"`
	Node     *int   `json:"node,omitempty"`
	Step     int    `json:"step,omitempty"`
	StepName string `json:"step_name,omitempty"`
}

type configFile struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

type pipelineStarted struct {
	head
	Repo      string       `json:"repo"`
	Root      string       `json:"root,omitempty"`
	Commit    string       `json:"commit,omitempty"`
	Branch    string       `json:"branch,omitempty"`
	Tag       string       `json:"tag,omitempty"`
	Subject   string       `json:"subject,omitempty"`
	Author    string       `json:"author,omitempty"`
	Trigger   string       `json:"trigger"`
	Source    string       `json:"source"`
	Files     []configFile `json:"config_files"`
	Jobs      int          `json:"jobs"`
	Workflows []string     `json:"workflows"`
	Rerun     int64        `json:"rerun_of,omitempty"`
	Partial   bool         `json:"partial,omitempty"`
}

type treeRead struct {
	head
	Tree     string   `json:"tree"`
	Dirty    bool     `json:"dirty"`
	Unstable bool     `json:"unstable"`
	Files    int      `json:"files"`
	Bytes    int64    `json:"bytes"`
	Changed  []string `json:"changed,omitempty"`
}

type jobQueued struct {
	head
	Kind     string   `json:"kind"`
	Image    string   `json:"image,omitempty"`
	Requires []string `json:"requires"`
	Steps    int      `json:"steps"`
	Nodes    int      `json:"nodes"`
	PlanHash string   `json:"plan_hash,omitempty"`
	EnvNames []string `json:"env_names,omitempty"`
	RerunOf  int      `json:"rerun_of,omitempty"`
}

type jobStarted struct {
	head
	Engine    string `json:"engine,omitempty"`
	Runner    string `json:"runner,omitempty"`
	Container string `json:"container,omitempty"`
}

type jobReady struct {
	head
	ImageDigest string `json:"image_digest,omitempty"`
	Arch        string `json:"arch,omitempty"`
	Emulated    bool   `json:"emulated"`
	User        string `json:"user,omitempty"`
	WorkDir     string `json:"working_directory,omitempty"`
}

type stepStarted struct {
	head
	Kind       string `json:"kind"`
	Command    string `json:"command,omitempty"`
	Shell      string `json:"shell,omitempty"`
	Background bool   `json:"background"`
	File       string `json:"file,omitempty"`
	Line       int    `json:"line,omitempty"`
}

type output struct {
	head
	Text string `json:"text"`
}

type artifactsStored struct {
	head
	Files []artifact `json:"files"`
}

type artifact struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
}

type testsStored struct {
	head
	Tests []test `json:"tests"`
}

type test struct {
	Suite   string           `json:"suite,omitempty"`
	Class   string           `json:"classname,omitempty"`
	Name    string           `json:"name"`
	File    string           `json:"file,omitempty"`
	Result  event.TestResult `json:"result"`
	Seconds float64          `json:"seconds"`
	Message string           `json:"message,omitempty"`
}

// finished closes a step, a job, a workflow or a pipeline.
type finished struct {
	head
	Status   event.Status `json:"status"`
	ExitCode *int         `json:"exit_code,omitempty"`
	Reason   string       `json:"reason,omitempty"`
	Repro    string       `json:"repro,omitempty"`
	Kept     bool         `json:"kept,omitempty"`
}

type message struct {
	head
	Level event.Level `json:"level"`
	Text  string      `json:"text"`
}

// record is e as it is printed.
func record(h head, e event.Event) any {
	switch e := e.(type) {
	case event.PipelineStarted:
		return pipelineStarted{h, e.Repo, e.Root, e.Commit, e.Branch, e.Tag, e.Subject, e.Author, e.Trigger, e.Source,
			configFiles(e.Files), e.Jobs, list(e.Workflows), e.Asked.Rerun, e.Partial}
	case event.TreeRead:
		return treeRead{h, e.Tree, e.Dirty, e.Unstable, e.Files, e.Bytes, e.Changed}
	case event.JobQueued:
		return jobQueued{h, e.Kind, e.Image, list(e.Requires), e.Steps, max(1, e.Nodes), e.PlanHash, e.EnvNames, e.RerunOf}
	case event.JobStarted:
		return jobStarted{h, e.Engine, e.Runner, e.Container}
	case event.JobHeld:
		return h
	case event.JobReady:
		return jobReady{h, e.ImageDigest, e.Arch, e.Emulated, e.User, e.WorkDir}
	case event.StepStarted:
		return stepStarted{h, e.Kind, e.Command, e.Shell, e.Background, e.File, e.Line}
	case event.Output:
		return output{h, e.Text}
	case event.StepFinished:
		return stepFinished(h, e)
	case event.ArtifactsStored:
		return artifactsStored{h, artifactRecords(e.Files)}
	case event.TestsStored:
		return testsStored{h, testRecords(e.Tests)}
	case event.JobFinished:
		return finished{head: h, Status: e.Status, Reason: e.Reason, Repro: e.Repro, Kept: e.Kept}
	case event.WorkflowFinished:
		return finished{head: h, Status: e.Status}
	case event.PipelineFinished:
		return finished{head: h, Status: e.Status, Reason: e.Reason}
	case event.Message:
		return message{h, e.Level, e.Text}
	}
	return h // a type that came after this was written: its place and time are known
}

func stepFinished(h head, e event.StepFinished) finished {
	f := finished{head: h, Status: e.Status, Reason: e.Reason}
	if e.HasExit {
		f.ExitCode = &e.ExitCode
	}
	return f
}

func configFiles(files []event.ConfigFile) []configFile {
	out := make([]configFile, 0, len(files))
	for _, f := range files {
		out = append(out, configFile(f))
	}
	return out
}

func artifactRecords(files []event.Artifact) []artifact {
	out := make([]artifact, len(files))
	for i, f := range files {
		out[i] = artifact{f.Path, f.Size}
	}
	return out
}

func testRecords(tests []event.Test) []test {
	out := make([]test, len(tests))
	for i, t := range tests {
		out[i] = test(t)
	}
	return out
}

// list is names as JSON: [] where there are none, never null.
func list(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}
