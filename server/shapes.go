package server

import (
	"time"

	"github.com/popsicle-ci/popsicle/db"
)

// A Pipeline is a pipeline as the API answers it, and as `popsicle history
// --json` and `show --json` print it. The fields of all shapes only grow in
// number; docs/api.md explains them.
type Pipeline struct {
	Number       int64          `json:"number"`
	Status       string         `json:"status"`
	Reason       string         `json:"reason,omitempty"`
	Repo         string         `json:"repo"`
	Root         string         `json:"root"`
	Branch       string         `json:"branch,omitempty"`
	Tag          string         `json:"tag,omitempty"`
	Commit       string         `json:"commit,omitempty"`
	Subject      string         `json:"subject,omitempty"`
	Author       string         `json:"author,omitempty"`
	Trigger      string         `json:"trigger"`
	Source       string         `json:"source"`
	Tree         string         `json:"tree,omitempty"`
	TreeFiles    int            `json:"tree_files"`
	TreeBytes    int64          `json:"tree_bytes"`
	Changed      []string       `json:"changed,omitempty"`
	Dirty        bool           `json:"dirty"`
	Unstable     bool           `json:"unstable"`
	EqualsCommit bool           `json:"equals_commit"`
	RerunOf      int64          `json:"rerun_of,omitempty"`
	Partial      bool           `json:"partial"`
	ConfigHash   string         `json:"config_hash,omitempty"`
	Version      string         `json:"version,omitempty"`
	QueuedAt     Instant        `json:"queued_at,omitzero"`
	StartedAt    Instant        `json:"started_at,omitzero"`
	EndedAt      Instant        `json:"ended_at,omitzero"`
	PlannedJobs  int            `json:"planned_jobs"`
	JobCounts    map[string]int `json:"job_counts"`
	Jobs         []Job          `json:"jobs,omitempty"`
	Order        *Asked         `json:"order,omitempty"` // of one pipeline and of the queue; of the daemon's alone
}

// A Workflow is one graph of jobs of a pipeline.
type Workflow struct {
	Name      string  `json:"name"`
	Status    string  `json:"status"`
	StartedAt Instant `json:"started_at,omitzero"`
	EndedAt   Instant `json:"ended_at,omitzero"`
}

// A Job is one job of a pipeline, or one node of a parallel one.
type Job struct {
	ID           int64    `json:"id"`
	Pipeline     int64    `json:"pipeline"`
	Workflow     string   `json:"workflow"`
	Name         string   `json:"name"`
	Position     int      `json:"position"`
	Node         int      `json:"node"`
	Kind         string   `json:"kind"`
	Status       string   `json:"status"`
	Reason       string   `json:"reason,omitempty"`
	Requires     []string `json:"requires,omitempty"`
	Image        string   `json:"image,omitempty"`
	ImageDigest  string   `json:"image_digest,omitempty"`
	Arch         string   `json:"arch,omitempty"`
	Emulated     bool     `json:"emulated,omitempty"`
	User         string   `json:"user,omitempty"`
	WorkDir      string   `json:"workdir,omitempty"`
	Engine       string   `json:"engine,omitempty"`
	PlanHash     string   `json:"plan_hash,omitempty"`
	EnvNames     []string `json:"env_names,omitempty"`
	QueuedAt     Instant  `json:"queued_at,omitzero"`
	StartedAt    Instant  `json:"started_at,omitzero"`
	EndedAt      Instant  `json:"ended_at,omitzero"`
	PlannedSteps int      `json:"planned_steps"`
	LogBytes     int64    `json:"log_bytes"`
	Steps        []Step   `json:"steps,omitempty"`
}

// A Step is one step of a job that has started or was skipped.
type Step struct {
	Number     int     `json:"number"`
	Name       string  `json:"name"`
	Kind       string  `json:"kind"`
	Status     string  `json:"status"`
	ExitCode   *int    `json:"exit_code,omitempty"`
	Reason     string  `json:"reason,omitempty"`
	Background bool    `json:"background,omitempty"`
	Command    string  `json:"command,omitempty"`
	Shell      string  `json:"shell,omitempty"`
	File       string  `json:"file,omitempty"`
	Line       int     `json:"line,omitempty"`
	StartedAt  Instant `json:"started_at,omitzero"`
	EndedAt    Instant `json:"ended_at,omitzero"`
	LogBytes   int64   `json:"log_bytes"`
	LogLines   int64   `json:"log_lines"`
}

// An Instant is a time as JSON has it: RFC 3339, in UTC with milliseconds.
type Instant time.Time

const instantLayout = "2006-01-02T15:04:05.000Z"

// IsZero says that it has not happened: such fields are left out.
func (i Instant) IsZero() bool { return time.Time(i).IsZero() }

// MarshalText writes the time.
func (i Instant) MarshalText() ([]byte, error) {
	return time.Time(i).UTC().AppendFormat(nil, instantLayout), nil
}

// UnmarshalText reads the time.
func (i *Instant) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.RFC3339, string(text))
	*i = Instant(t)
	return err
}

// NewPipeline is p for the world; without jobs.
func NewPipeline(p db.Pipeline) Pipeline {
	out := Pipeline{
		Number: p.ID, Status: string(p.Status), Reason: p.Reason, Repo: p.Repo, Root: p.Root, Branch: p.Branch, Tag: p.Tag,
		Commit: p.Commit, Subject: p.Subject, Author: p.Author, Trigger: p.Trigger, Source: p.Source,
		Tree: p.Tree, TreeFiles: p.TreeFiles, TreeBytes: p.TreeBytes, Changed: p.Changed,
		Dirty: p.Dirty, Unstable: p.Unstable, EqualsCommit: p.EqualsCommit, RerunOf: p.Asked.Rerun, Partial: p.Partial, ConfigHash: p.ConfigHash, Version: p.Version,
		QueuedAt: Instant(p.Queued), StartedAt: Instant(p.Start), EndedAt: Instant(p.End),
		PlannedJobs: p.PlannedJobs, JobCounts: map[string]int{},
	}
	for status, n := range p.Jobs {
		out.JobCounts[string(status)] = n
	}
	return out
}

// NewJob is j for the world, with its steps if there are any.
func NewJob(j db.Job, steps []db.Step) Job {
	out := Job{
		ID: j.ID, Pipeline: j.PipelineID, Workflow: j.Workflow, Name: j.Name, Position: j.Position, Node: j.Node, Kind: j.Kind,
		Status: string(j.Status), Reason: j.Reason, Requires: j.Requires, Image: j.Image, ImageDigest: j.ImageDigest, Arch: j.Arch,
		Emulated: j.Emulated, User: j.User, WorkDir: j.WorkDir, Engine: j.Engine, PlanHash: j.PlanHash, EnvNames: j.EnvNames,
		QueuedAt: Instant(j.Queued), StartedAt: Instant(j.Start), EndedAt: Instant(j.End),
		PlannedSteps: j.PlannedSteps, LogBytes: j.LogBytes,
	}
	for _, s := range steps {
		out.Steps = append(out.Steps, NewStep(s))
	}
	return out
}

// NewStep is s for the world.
func NewStep(s db.Step) Step {
	return Step{
		Number: s.Number, Name: s.Name, Kind: s.Kind, Status: string(s.Status), ExitCode: s.ExitCode, Reason: s.Reason,
		Background: s.Background, Command: s.Command, Shell: s.Shell, File: s.File, Line: s.Line,
		StartedAt: Instant(s.Start), EndedAt: Instant(s.End), LogBytes: s.LogBytes, LogLines: s.LogLines,
	}
}

func newWorkflow(w db.Workflow) Workflow {
	return Workflow{Name: w.Name, Status: string(w.Status), StartedAt: Instant(w.Start), EndedAt: Instant(w.End)}
}

// A List is one page of many.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // the cursor of the next page; empty: there is none
}

// list makes a list of what a query found.
func list[From, To any](found []From, shape func(From) To) List[To] {
	l := List[To]{Items: make([]To, len(found))}
	for i, one := range found {
		l.Items[i] = shape(one)
	}
	return l
}
