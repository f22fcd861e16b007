package runner

import (
	"context"
	"fmt"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// An extent is what a resource class gives a job.
type extent struct{ cpus, gigabytes int }

// classes are CircleCI's sizes, of containers and of machines.
// https://circleci.com/docs/guides/execution-managed/resource-class-overview/
var classes = map[plan.Kind]map[string]extent{
	plan.Docker: {
		"small": {1, 2}, "medium": {2, 4}, "medium+": {3, 6}, "large": {4, 8}, "xlarge": {8, 16}, "2xlarge": {16, 32}, "2xlarge+": {20, 40},
		"arm.medium": {2, 8}, "arm.large": {4, 16}, "arm.xlarge": {8, 32}, "arm.2xlarge": {16, 64},
	},
	plan.Machine: {
		"medium": {2, 7}, "large": {4, 15}, "xlarge": {8, 32}, "2xlarge": {16, 64}, "2xlarge+": {32, 64},
		"arm.medium": {2, 8}, "arm.large": {4, 16}, "arm.xlarge": {8, 32}, "arm.2xlarge": {16, 64},
	},
}

// sizeOf is what a job's resource class gives; without one, a medium.
func sizeOf(p *plan.Job) (extent, bool) {
	class := strings.TrimSuffix(p.ResourceClass, ".gen2")
	if class == "" {
		class = "medium"
	}
	s, known := classes[p.Kind][class]
	return s, known
}

// limit holds the container to the size of the job's resource class, as far as
// the engine has so much, where the run is asked to. Each service is held to it
// as well: on CircleCI all containers of a job share what the class has, which
// docker cannot say of several containers on every engine.
func (j *job) limit(ctx context.Context, s *docker.Spec) error {
	r := j.runner
	if !r.Limits {
		return nil
	}
	want, known := sizeOf(j.plan)
	if !known {
		r.once(event.At{Pipeline: j.at.Pipeline}, fmt.Sprintf("%s: resource_class %s has no size that popsicle knows: job %s runs without limits", j.plan.Pos, j.plan.ResourceClass, j.plan.Name))
		return nil
	}
	has, err := r.capacity(ctx)
	if err != nil {
		return err
	}
	const gigabyte = 1 << 30
	s.CPUs, s.Memory = min(want.cpus, has.CPUs), min(int64(want.gigabytes)*gigabyte, has.Memory)
	j.services.cpus, j.services.memory = s.CPUs, s.Memory
	text := fmt.Sprintf("Limited to %d CPUs and %.1f GB of memory", s.CPUs, float64(s.Memory)/gigabyte)
	if len(j.plan.Images) > 1 {
		text += " each, the job and its services"
	}
	if s.CPUs < want.cpus || s.Memory < int64(want.gigabytes)*gigabyte {
		text += fmt.Sprintf(": all that the engine has, of %d CPUs and %d GB", want.cpus, want.gigabytes)
	}
	j.say("%s\n", text)
	return nil
}

// capacity is what the engine has, asked once.
func (r *Runner) capacity(ctx context.Context) (docker.Info, error) {
	r.sizing.Lock()
	defer r.sizing.Unlock()
	var err error
	if r.info.CPUs == 0 {
		r.info, err = r.Docker.Info(ctx)
	}
	return r.info, err
}
