package runner

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A Build is what the variables of a run's jobs are made of.
type Build struct {
	Pipeline int64
	ID       string // of the pipeline, a UUID
	Head     gitops.Head
	Branch   string     // the branch played, if not the head's
	Tag      string     // the tag played
	User     string     // who runs it
	Trigger  []plan.Var // variables of what started it: CIRCLE_PULL_REQUEST
}

// NewBuild makes the ids of a run.
func NewBuild(pipeline int64, head gitops.Head, branch, tag, user string) Build {
	return Build{Pipeline: pipeline, ID: uuid(), Head: head, Branch: branch, Tag: tag, User: user}
}

// run names the run on its labels and in the names of what it makes.
func (b Build) run() string { return strconv.FormatInt(b.Pipeline, 10) }

// uuid returns a random UUID, version 4 of RFC 9562.
func uuid() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails
	return formatUUID(u, 4)
}

// workflow returns the UUID of a workflow of the run, version 8 of RFC 9562:
// it is made of the run's and the name.
func (b Build) workflow(name string) string {
	sum := sha256.Sum256([]byte(b.ID + name))
	return formatUUID([16]byte(sum[:16]), 8)
}

func formatUUID(u [16]byte, version byte) string {
	u[6], u[8] = u[6]&0x0f|version<<4, u[8]&0x3f|0x80
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// jobID is a job's UUID: all its nodes have the same.
func (b Build) jobID(job int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", b.ID, job))
	return formatUUID([16]byte(sum[:16]), 8)
}

// vars returns the variables that CircleCI sets in every job, those of them
// that have a meaning here.
// https://circleci.com/docs/reference/variables/#built-in-environment-variables
func (b Build) vars(at event.At, job *plan.Job, h hello) []plan.Var {
	owner, name, _ := strings.Cut(b.Head.Slug, "/")
	number := strconv.FormatInt(b.Pipeline*1000+int64(at.JobID), 10)
	shellEnv := h.Dir + "/bash_env"
	vars := []plan.Var{
		{Name: "CI", Value: "true"},
		{Name: "CIRCLECI", Value: "true"},
		{Name: "POPSICLE", Value: "true"},
		{Name: "BASH_ENV", Value: shellEnv},
		{Name: "CIRCLE_SHELL_ENV", Value: shellEnv},
		{Name: "CIRCLE_BUILD_NUM", Value: number},
		{Name: "CIRCLE_BUILD_URL", Value: fmt.Sprintf("popsicle:///pipelines/%d/jobs/%s", b.Pipeline, job.Name)},
		{Name: "CIRCLE_JOB", Value: job.Name},
		{Name: "CIRCLE_NODE_INDEX", Value: strconv.Itoa(at.Node)},
		{Name: "CIRCLE_NODE_TOTAL", Value: strconv.Itoa(nodesOf(job))},
		{Name: "CIRCLE_PIPELINE_ID", Value: b.ID},
		{Name: "CIRCLE_PROJECT_REPONAME", Value: name},
		{Name: "CIRCLE_PROJECT_USERNAME", Value: owner},
		{Name: "CIRCLE_REPOSITORY_URL", Value: b.Head.RemoteURL},
		{Name: "CIRCLE_SHA1", Value: b.Head.Commit},
		{Name: "CIRCLE_USERNAME", Value: b.User},
		{Name: "CIRCLE_WORKFLOW_ID", Value: b.workflow(at.Workflow)},
		{Name: "CIRCLE_WORKFLOW_JOB_ID", Value: b.jobID(at.JobID)},
		{Name: "CIRCLE_WORKFLOW_WORKSPACE_ID", Value: b.workflow(at.Workflow)},
		{Name: "CIRCLE_WORKING_DIRECTORY", Value: job.WorkDir}, // with its ~: scripts expand it themselves
	}
	vars = append(vars, b.Trigger...)
	if b.Tag != "" {
		return append(vars, plan.Var{Name: "CIRCLE_TAG", Value: b.Tag})
	}
	return append(vars, plan.Var{Name: "CIRCLE_BRANCH", Value: b.Branch})
}

// environment returns a job's variables, by name. Of a name that is set more
// than once the last layer wins: image, project, contexts, the command line,
// built-in, job.
// https://circleci.com/docs/guides/security/env-vars/#order-of-precedence
func (r *Runner) environment(at event.At, job *plan.Job, h hello) []plan.Var {
	var image []plan.Var
	if len(job.Images) > 0 {
		image = job.Images[0].Env
	}
	vars := r.Build.vars(at, job, h)
	if job.Setup != "" {
		vars = append(vars, plan.Var{Name: "CIRCLE_CONTINUATION_KEY", Value: r.Continuations.key(job.Setup)})
	}
	return layers(image, r.secrets(job), vars, job.Env)
}

// secrets are the variables that a job gets besides its own and the built-in
// ones: the project's, those of the job's contexts, of which the last wins,
// and what was given for this run, for who typed it means it.
func (r *Runner) secrets(job *plan.Job) []plan.Var {
	all := [][]plan.Var{r.Env}
	for _, name := range job.Contexts {
		all = append(all, r.Contexts[name])
	}
	return layers(append(all, r.Given)...)
}

// EnvNames are the names of the variables that a job gets besides its own.
func (r *Runner) EnvNames(job *plan.Job) []string {
	var names []string
	for _, v := range r.secrets(job) {
		names = append(names, v.Name)
	}
	return names
}

// layers merges variables; later layers win. The result is sorted by name.
func layers(all ...[]plan.Var) []plan.Var {
	values := map[string]string{}
	for _, layer := range all {
		for _, v := range layer {
			values[v.Name] = v.Value
		}
	}
	merged := make([]plan.Var, 0, len(values))
	for name, value := range values {
		merged = append(merged, plan.Var{Name: name, Value: value})
	}
	slices.SortFunc(merged, func(a, b plan.Var) int { return cmp.Compare(a.Name, b.Name) })
	return merged
}

// exports is the shell text that sets variables. Names that no shell can
// export are returned apart. Some that a shell keeps for itself, as UID in
// bash, would end the shell, were it not for command.
func exports(vars []plan.Var) (text string, refused []string) {
	var b strings.Builder
	for _, v := range vars {
		if !variable(v.Name) {
			refused = append(refused, v.Name)
			continue
		}
		b.WriteString("command export " + v.Name + "=" + quote(v.Value) + "\n")
	}
	return b.String(), refused
}
