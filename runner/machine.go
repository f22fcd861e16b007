package runner

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// DefaultMachine is the image that stands for a virtual machine: it has the
// tools of CircleCI's machines, dockerd among them, and their user.
const DefaultMachine = "cimg/base:current"

// onMachine is a machine job as it is run here: in a container with all
// privileges, so that a Docker engine can live in it.
func (r *Runner) onMachine(at event.At, p *plan.Job) *plan.Job {
	here := *p
	here.Images = []plan.Image{{Name: cmp.Or(r.Machine, DefaultMachine), Pos: p.Pos}}
	r.once(event.At{Pipeline: at.Pipeline}, fmt.Sprintf(
		"%s: job %s asks for a %s: it runs in a container of %s that has all privileges on the engine (another image: --machine-image)",
		p.Pos, p.Name, strings.TrimSpace("machine "+p.Machine), here.Images[0].Name))
	return &here
}

// engineFolder is where a Docker engine keeps what it has. An engine in a
// container needs a volume there: it cannot stack its layers on that
// container's own.
const engineFolder = "/var/lib/docker"

// dockerd starts an engine as root. Of control groups it needs that it may
// write there, which a container with almost all powers must be helped to, and
// in version 2 that no process is in the group that it makes others in.
const dockerd = `PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
cd /sys/fs/cgroup
for m in /sys /proc/sys /sys/fs/cgroup /sys/fs/cgroup/*/; do mount -o remount,bind,rw "${m%/}"; done 2>/dev/null
if [ -e cgroup.controllers ]; then
	mkdir -p popsicle
	while read -r p; do echo "$p" >popsicle/cgroup.procs; done <cgroup.procs
	for c in $(cat cgroup.controllers); do echo "+$c" >cgroup.subtree_control; done
fi 2>/dev/null
dockerd --log-level warn --group "$1" 2>&1
code=$?
: >"$2"
exit $code`

// dockerdIsUp waits for the engine, or for the file that tells of its end.
func dockerdIsUp(ended string) string {
	return `_i=0
until [ -S ` + socket + ` ] || [ -e ` + quote(ended) + ` ] || [ "$_i" = 600 ]; do sleep 0.1; _i=$((_i+1)); done
[ -S ` + socket + ` ]`
}

// startEngine starts the Docker engine of a machine.
func (j *job) startEngine(ctx context.Context) error {
	if !j.privileged() {
		return nil
	}
	code, err := j.session.eval(ctx, "(PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; command -v dockerd >/dev/null)")
	if err != nil || code != 0 {
		if err == nil {
			j.say("The image has no dockerd: this machine has no Docker engine\n")
		}
		return err
	}
	start := time.Now()
	c := j.companion("engine", "Docker engine of the machine", j.plan.Pos)
	j.say("Starting a Docker engine for this job alone\n")
	ended := j.session.hello.Dir + "/engine-ended"
	go func() {
		command := []string{"/bin/sh", "-c", dockerd, "popsicle", fmt.Sprint(j.session.hello.GID), ended}
		// It ends with the container: nothing else ends a process there.
		code, said, err := j.runner.Docker.Exec(context.Background(), j.container.Name, "0", command, nil, companionOutput{j, c.step})
		if err != nil {
			said = err.Error()
		}
		if said != "" {
			j.output(c.step, []byte(said+"\n"))
		}
		j.died(c, code)
	}()
	switch code, err := j.session.eval(ctx, dockerdIsUp(ended)); {
	case err != nil:
		return err
	case code != 0:
		j.say("The engine did not start: see the step %q\n", c.name)
	default:
		j.say("The engine answers after %s\n", time.Since(start).Round(time.Millisecond))
	}
	return nil
}

// powerFor is what a job's container is first tried with.
func powerFor(p *plan.Job) docker.Power {
	if p.Kind == plan.Machine {
		return docker.All
	}
	return docker.Ordinary
}

// privileged says whether the job's container may do so much that an engine
// can live in it.
func (j *job) privileged() bool { return j.power > docker.Ordinary && !j.host }

// humble leaves a machine the next lesser power, where the engine refused it
// the one before.
func (j *job) humble(refused error) {
	if j.power--; j.power > docker.Ordinary {
		j.say("The engine cannot give all privileges (%s): the machine has all but CAP_SYS_RESOURCE\n", oneLine(refused))
		return
	}
	j.runner.once(event.At{Pipeline: j.at.Pipeline}, fmt.Sprintf(
		"%s: the engine refuses a container all privileges, and all but CAP_SYS_RESOURCE: job %s has no Docker engine of its own (--allow-host runs it on this host): %s",
		j.plan.Pos, j.plan.Name, oneLine(refused)))
}

// oneLine is the first line of an error, without what to do next.
func oneLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// machineMounts are what a container needs to be a machine.
func (j *job) machineMounts() []docker.Mount {
	if !j.privileged() {
		return nil
	}
	return []docker.Mount{{Target: engineFolder, Labels: j.runner.labels(j.plan.Name)}}
}
