package commands

import (
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// A jsonPipeline is a pipeline as history --json and show --json print it.
// Its fields, like those of jobs and steps, only grow in number.
type jsonPipeline struct {
	Number       int64                `json:"number"`
	Status       event.Status         `json:"status"`
	Reason       string               `json:"reason,omitempty"`
	Repo         string               `json:"repo"`
	Root         string               `json:"root"`
	Branch       string               `json:"branch,omitempty"`
	Tag          string               `json:"tag,omitempty"`
	Commit       string               `json:"commit,omitempty"`
	Subject      string               `json:"subject,omitempty"`
	Author       string               `json:"author,omitempty"`
	Trigger      string               `json:"trigger"`
	Source       string               `json:"source"`
	Tree         string               `json:"tree,omitempty"`
	Dirty        bool                 `json:"dirty"`
	Unstable     bool                 `json:"unstable"`
	EqualsCommit bool                 `json:"equals_commit"`
	ConfigHash   string               `json:"config_hash,omitempty"`
	QueuedAt     string               `json:"queued_at"`
	StartedAt    string               `json:"started_at,omitempty"`
	EndedAt      string               `json:"ended_at,omitempty"`
	JobCounts    map[event.Status]int `json:"job_counts"`
	Jobs         []jsonJob            `json:"jobs,omitempty"`
}

type jsonJob struct {
	Workflow    string       `json:"workflow"`
	Name        string       `json:"name"`
	Node        int          `json:"node"`
	Kind        string       `json:"kind"`
	Status      event.Status `json:"status"`
	Reason      string       `json:"reason,omitempty"`
	Requires    []string     `json:"requires,omitempty"`
	Image       string       `json:"image,omitempty"`
	ImageDigest string       `json:"image_digest,omitempty"`
	Arch        string       `json:"arch,omitempty"`
	Engine      string       `json:"engine,omitempty"`
	PlanHash    string       `json:"plan_hash,omitempty"`
	EnvNames    []string     `json:"env_names,omitempty"`
	StartedAt   string       `json:"started_at,omitempty"`
	EndedAt     string       `json:"ended_at,omitempty"`
	Steps       []jsonStep   `json:"steps,omitempty"`
}

type jsonStep struct {
	Number     int          `json:"number"`
	Name       string       `json:"name"`
	Kind       string       `json:"kind"`
	Status     event.Status `json:"status"`
	ExitCode   *int         `json:"exit_code,omitempty"`
	Reason     string       `json:"reason,omitempty"`
	Background bool         `json:"background,omitempty"`
	Command    string       `json:"command,omitempty"`
	File       string       `json:"file,omitempty"`
	Line       int          `json:"line,omitempty"`
	StartedAt  string       `json:"started_at,omitempty"`
	EndedAt    string       `json:"ended_at,omitempty"`
}

// instant is t in RFC 3339, in UTC with milliseconds; empty before it is.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func pipelinesJSON(all []db.Pipeline) []jsonPipeline {
	out := make([]jsonPipeline, len(all))
	for i, p := range all {
		out[i] = pipelineJSON(p, nil, nil)
	}
	return out
}

func pipelineJSON(p db.Pipeline, jobs []db.Job, steps [][]db.Step) jsonPipeline {
	out := jsonPipeline{
		Number: p.ID, Status: p.Status, Reason: p.Reason, Repo: p.Repo, Root: p.Root, Branch: p.Branch, Tag: p.Tag,
		Commit: p.Commit, Subject: p.Subject, Author: p.Author, Trigger: p.Trigger, Source: p.Source, Tree: p.Tree,
		Dirty: p.Dirty, Unstable: p.Unstable, EqualsCommit: p.EqualsCommit, ConfigHash: p.ConfigHash,
		QueuedAt: instant(p.Queued), StartedAt: instant(p.Start), EndedAt: instant(p.End), JobCounts: p.Jobs,
	}
	for i, j := range jobs {
		out.Jobs = append(out.Jobs, jobJSON(j, steps[i]))
	}
	return out
}

func jobJSON(j db.Job, steps []db.Step) jsonJob {
	out := jsonJob{
		Workflow: j.Workflow, Name: j.Name, Node: j.Node, Kind: j.Kind, Status: j.Status, Reason: j.Reason, Requires: j.Requires,
		Image: j.Image, ImageDigest: j.ImageDigest, Arch: j.Arch, Engine: j.Engine, PlanHash: j.PlanHash, EnvNames: j.EnvNames,
		StartedAt: instant(j.Start), EndedAt: instant(j.End),
	}
	for _, s := range steps {
		out.Steps = append(out.Steps, jsonStep{
			Number: s.Number, Name: s.Name, Kind: s.Kind, Status: s.Status, ExitCode: s.ExitCode, Reason: s.Reason,
			Background: s.Background, Command: s.Command, File: s.File, Line: s.Line, StartedAt: instant(s.Start), EndedAt: instant(s.End),
		})
	}
	return out
}
