package runner

import (
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

func TestConfinedRunsNoPowerfulJob(t *testing.T) {
	r := &Runner{Confined: true}
	for want, p := range map[string]*plan.Job{
		"asks for a machine":           {Kind: plan.Machine},
		"asks for setup_remote_docker": {Kind: plan.Docker, Steps: []plan.Step{{Do: plan.Run{}}, {Do: plan.SetupRemoteDocker{}}}},
	} {
		got := r.RunJob(t.Context(), event.At{}, p)
		if got.Status != event.NotRun || !strings.Contains(got.Reason, want) {
			t.Errorf("%s: %+v", want, got)
		}
	}
	if power := powerOf(&plan.Job{Kind: plan.Docker, Steps: []plan.Step{{Do: plan.Run{}}}}); power != "" {
		t.Errorf("a plain job has power: %s", power)
	}
}
