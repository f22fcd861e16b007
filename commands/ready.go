package commands

import (
	"context"
	"runtime"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// ready refuses what can be known not to work before the pipeline has a
// number: the names of engines and approval jobs, and a client that is not
// there.
func (l *launch) ready(ctx context.Context) error {
	if err := l.approvable(); err != nil {
		return err
	}
	all, err := engines(ctx, l.history, l.engine)
	if err != nil {
		return err
	}
	if _, err := l.wanted(all); err != nil {
		return err
	}
	for j := range l.plan.Jobs() {
		if l.contained(j) {
			return docker.CLI{Bin: l.engine}.Installed()
		}
	}
	return nil
}

// approvable refuses to approve what is no approval job. What setup jobs will
// make is not known yet.
func (l *launch) approvable() error {
	if setUp(l.plan) {
		return nil
	}
	for _, name := range l.approve {
		if name != "all" && !slices.Contains(l.approvals, name) {
			if len(l.approvals) == 0 {
				return usage("--approve %s: the pipeline has no approval job", name)
			}
			return usage("--approve %s: no approval job has that name: there are %s, or all", name, strings.Join(l.approvals, ", "))
		}
	}
	return nil
}

// approvalsOf names the approval jobs of a plan.
func approvalsOf(p *plan.Pipeline) (names []string) {
	for j := range p.Jobs() {
		if j.Kind == plan.Approval && !slices.Contains(names, j.Name) {
			names = append(names, j.Name)
		}
	}
	return names
}

// contained says whether a job needs an engine.
func (l *launch) contained(j *plan.Job) bool {
	switch j.Kind {
	case plan.Docker:
		return true
	case plan.Machine:
		return !runner.OnHost(j.Kind, runtime.GOOS, l.allowHost)
	}
	return false
}
