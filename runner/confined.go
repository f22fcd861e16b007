package runner

import (
	"fmt"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// powerOf says what a job asks for that makes it the master of the engine's
// host, with its place in the config; empty: nothing.
func powerOf(p *plan.Job) string {
	if p.Kind == plan.Machine || p.Kind == plan.MacOS {
		return "a machine"
	}
	for _, s := range p.Steps {
		if _, asks := s.Do.(plan.SetupRemoteDocker); asks {
			return "setup_remote_docker"
		}
	}
	return ""
}

// refused tells why a job of somebody whom nobody trusts does not run.
func refused(p *plan.Job, power string) Outcome {
	return Outcome{Status: event.NotRun, Reason: fmt.Sprintf(
		"%s: the job asks for %s, which has power over this host: a pull request from a fork gets that only when it is approved", p.Pos, power)}
}
