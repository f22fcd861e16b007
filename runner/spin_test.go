package runner

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// An engine that takes the order for a container and says nothing more.
func TestASilentEngineIsTold(t *testing.T) {
	rig := newRigWithoutEngine(t, map[string]string{"file": "content\n"})
	bin := filepath.Join(t.TempDir(), "docker")
	writeScript(t, bin, "#!/bin/sh\n[ \"$1\" != run ] || while read -r _; do :; done\n")
	ctx, cancel := context.WithCancel(t.Context())
	told := rig.when(func(e event.Event) bool {
		m, ok := e.(event.Message)
		return ok && strings.Contains(m.Text, "has not started a container of img for 1ms")
	})
	go func() {
		<-told
		cancel()
	}()
	r := rig.runner(func(r *Runner) { r.Docker, r.Patience = docker.CLI{Bin: bin}, time.Millisecond })
	if o := r.RunJob(ctx, event.At{Pipeline: 7, JobID: 1, Job: "job"}, jobOn("img", "true")); o.Status != event.Canceled {
		t.Errorf("the job ended as %v", o)
	}
	r.Close(t.Context())
}
