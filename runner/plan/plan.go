// Package plan is the vocabulary of what will run: plain data, with every
// name resolved and nothing left to parse. A plan never changes once made;
// what happens to it is said in events.
package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"
)

// A Pipeline is the validated plan of one run: the workflows of every config
// file, in the order of their files.
type Pipeline struct {
	Workflows []*Workflow
	Files     []File
	Notes     []Note // what popsicle leaves out or replaces, and why
}

// Jobs are the jobs of all workflows, in their order.
func (p *Pipeline) Jobs() iter.Seq[*Job] {
	return func(yield func(*Job) bool) {
		for _, w := range p.Workflows {
			for _, j := range w.Jobs {
				if !yield(j) {
					return
				}
			}
		}
	}
}

// A File is one config file a pipeline was made from.
type File struct {
	Path   string // relative to the top of the checkout, with slashes
	SHA256 string // hex, of the file as written
	Config string // the file as compiled: itself a valid config
	Setup  bool   // it makes the config that is to be run after it
}

// A Workflow is a graph of jobs.
type Workflow struct {
	Name    string
	File    string
	Setup   string    // File again where that is a setup config, which the jobs may continue
	Jobs    []*Job    // in the order of the file; names are unique among them
	Skipped []Skipped // what filters and conditions left out, and why

	Schedules     []Schedule // a workflow that has some runs on them alone
	MaxAutoReruns int        // how often a failed workflow is run again from what failed
}

// A Schedule is when a workflow runs by itself, and on which branches.
type Schedule struct {
	Cron         string   // five valid fields, in UTC
	Only, Ignore []string // names of branches, or /regular expressions/
	Pos          Pos
}

// A Skipped is a job, or a whole workflow where Job is empty, that does not
// run in this pipeline.
type Skipped struct {
	Job    string
	Reason string // "branch main is not matched by filters.branches.only: develop"
	Pos    Pos
}

// A Note tells of a key that popsicle does not carry out here.
type Note struct {
	Pos  Pos
	Key  string // "resource_class"
	Text string // "ignored: jobs run with what this machine has"
}

// Pos is a place in a config file. Line and Column count from 1.
type Pos struct {
	File         string
	Line, Column int
}

func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Kind says how a job is carried out.
type Kind string

// The kinds of job: the config's `type`, and the native executor of a build.
const (
	Docker   Kind = "docker"
	Machine  Kind = "machine"
	MacOS    Kind = "macos"
	Approval Kind = "approval"
	NoOp     Kind = "no-op"
	Lock     Kind = "lock"   // takes the lock that SerialGroup names, for a job group
	Unlock   Kind = "unlock" // gives it back
)

// A Job is one node of a workflow: the containers it needs, the steps it
// takes and the jobs it waits for.
type Job struct {
	Name       string // unique in its workflow; the name others require
	Definition string // the name under `jobs:`
	Kind       Kind
	Images     []Image // the first is the primary container's; never empty for Docker
	Shell      string  // command line of the default shell; empty: the runtime's choice
	WorkDir    string  // as written, "~/project" by default
	Machine    string  // the image of a machine job, as written: no Docker image
	Env        []Var
	Steps      []Step
	Requires   []Require

	Parallelism   int // containers that run the same steps, at least 1
	ResourceClass string
	Contexts      []string
	SerialGroup   string
	MaxAutoReruns int
	Setup         string // the setup config that the job may continue; empty: none
	Pos           Pos
}

// Hash names what the job does, as far as the plan says it: two jobs of one
// hash do the same in the same environment.
func (j *Job) Hash() string {
	parts := []any{j.begin()}
	for _, s := range j.Steps {
		parts = append(parts, s.parts())
	}
	return hash(parts...)
}

// SetUp names what the job's steps begin in.
func (j *Job) SetUp() string { return hash(j.begin()) }

// begin is what the steps begin in, wherever the file says it.
func (j *Job) begin() any {
	images := slices.Clone(j.Images)
	for i := range images {
		images[i].Pos = Pos{}
	}
	return []any{j.Kind, j.Shell, j.WorkDir, images, j.Env}
}

// Hash names what the step does.
func (s Step) Hash() string { return hash(s.parts()) }

func (s Step) parts() any { return []any{s.Name, s.When, s.Do.StepKind(), s.Do} }

func hash(parts ...any) string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, p := range parts {
		_ = enc.Encode(p) // plain data: it cannot fail
	}
	return hex.EncodeToString(h.Sum(nil))
}

// An Image is one entry of a job's docker list.
type Image struct {
	Name       string // the image reference
	Host       string // an extra host name (`name`)
	Entrypoint []string
	Command    []string
	User       string
	Env        []Var
	Auth       *Auth
	Platform   string // "linux/arm64"; empty: the engine's own
	Pos        Pos
}

// Auth is how an image is pulled. Values may name variables ($NAME) of
// contexts and project.
type Auth struct {
	Username, Password                 string
	AWSAccessKeyID, AWSSecretAccessKey string
}

// A Var is one environment variable with its literal value.
type Var struct{ Name, Value string }

// A Require is one job that must have ended, and how.
type Require struct {
	Job      string
	Statuses []string // any of; never empty: success, failed, canceled, unauthorized, not_run
}

// When is the condition under which a step is taken.
type When string

// The conditions of a step.
const (
	OnSuccess When = "on_success" // no earlier step failed
	OnFail    When = "on_fail"    // some earlier step failed
	Always    When = "always"     // either way, but not after a cancel
)

// A Step is one thing a job does, and the line of the file that asked for it.
type Step struct {
	Name string
	When When
	Do   Action
	Pos  Pos
}

// An Action is what a step does: Run, Checkout, SaveCache, …
type Action interface{ StepKind() string }

// Run runs a command in a shell.
type Run struct {
	Command         string
	Shell           string // command line; empty: the job's
	Env             []Var
	WorkDir         string        // empty: the job's
	NoOutputTimeout time.Duration // 0: the default of ten minutes
	Background      bool
	MaxAutoReruns   int
	AutoRerunDelay  time.Duration
	LastNode        bool `json:",omitzero"` // of a parallel job, only the last node takes the step (deploy)
}

// Checkout puts the tested tree, as a git repository, into Path.
type Checkout struct {
	Path   string // empty: the job's working directory
	Method string // blobless (default), full or shallow: all the same to popsicle
	Depth  int
}

// SaveCache keeps Paths under Key.
type SaveCache struct {
	Key   string
	Paths []string
}

// RestoreCache brings back the newest cache whose key begins with one of Keys.
type RestoreCache struct{ Keys []string }

// PersistToWorkspace adds a layer to the workflow's workspace.
type PersistToWorkspace struct {
	Root  string
	Paths []string
}

// AttachWorkspace unpacks the layers of all upstream jobs.
type AttachWorkspace struct{ At string }

// StoreArtifacts keeps files of a job where readers find them.
type StoreArtifacts struct{ Path, Destination string }

// StoreTestResults reads JUnit files into the history.
type StoreTestResults struct{ Path string }

// AddSSHKeys gives the job SSH keys.
type AddSSHKeys struct{ Fingerprints []string }

// SetupRemoteDocker gives the job a Docker engine.
type SetupRemoteDocker struct{ Version string }

// StepKind of an action is the key that asks for it in a config.
func (Run) StepKind() string                { return "run" }
func (Checkout) StepKind() string           { return "checkout" }
func (SaveCache) StepKind() string          { return "save_cache" }
func (RestoreCache) StepKind() string       { return "restore_cache" }
func (PersistToWorkspace) StepKind() string { return "persist_to_workspace" }
func (AttachWorkspace) StepKind() string    { return "attach_workspace" }
func (StoreArtifacts) StepKind() string     { return "store_artifacts" }
func (StoreTestResults) StepKind() string   { return "store_test_results" }
func (AddSSHKeys) StepKind() string         { return "add_ssh_keys" }
func (SetupRemoteDocker) StepKind() string  { return "setup_remote_docker" }
