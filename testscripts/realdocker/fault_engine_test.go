package realdocker

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// newOwnEngine starts an engine that has an image, and makes it the one that
// docker and popsicle talk to.
func newOwnEngine(t *testing.T, data, image string) *engine {
	t.Helper()
	e := newEngineIn(t, data, "--storage-driver", "vfs")
	e.load(image)
	t.Setenv("DOCKER_HOST", "unix://"+e.socket())
	return e
}

// TestFaultEngineKilled kills the engine in the middle of a step, and of the
// artifacts. The job ends at once as an infrastructure failure; once the
// engine is back, the next run removes what it remembers of the dead one.
func TestFaultEngineKilled(t *testing.T) {
	slow(t)
	image := images.Busybox(t)
	e := newOwnEngine(t, filepath.Join(t.TempDir(), "data"), image)
	p := newPlace(t, map[string]string{".popsicle/ci.yml": strings.Replace(`version: 2.1
jobs:
  step:
    docker: [{image: &image IMAGE}]
    steps: [{run: echo kept >/tmp/small}, {store_artifacts: {path: /tmp/small}}, {run: echo began; sleep 300}, {run: echo not reached}]
  artifacts:
    docker: [{image: *image}]
    steps: [{run: mkdir /tmp/a; for i in $(seq 100000); do echo $i >/mnt/ramdisk/$i; done}, {store_artifacts: {path: /mnt/ramdisk}}, {run: echo not reached}]
  again:
    docker: [{image: *image}]
    steps: [{run: echo works again}]
workflows: {main: {jobs: [step, artifacts, again]}}
`, "IMAGE", image, 1)})
	for job, at := range map[string]func(said) bool{
		"step":      func(e said) bool { return e.Type == "output" && strings.Contains(e.Text, "began") },
		"artifacts": func(e said) bool { return e.Type == "step_started" && e.Kind == "store_artifacts" },
	} {
		killed := false
		r := p.runWith(func(s said) {
			if !killed && at(s) {
				killed = true
				e.crash()
			}
		}, "--only", job)
		r.wants(3, job, "infrastructure_fail", "the engine")
		if out := r.output(job); strings.Contains(out, "not reached") {
			t.Errorf("%s went on: %s", job, out)
		}
		e.start()
	}
	r := p.runWith(func(said) {}, "--only", "again")
	r.wants(0, "again", "success", "")
	p.waitFor("nothing is left of the runs that lost their engine", func() bool { return len(p.ours()) == 0 })
	p.intact()
	if got := p.must(0, "artifacts", "--job", "step", fmt.Sprint(p.numberOf("step")), "--get", "tmp/small"); got != "kept\n" {
		t.Errorf("the artifact of before is %q", got)
	}
}

// numberOf returns the number of the pipeline that ran a job.
func (p place) numberOf(job string) int {
	p.t.Helper()
	for n := 1; n < 4; n++ {
		if out, _ := p.command("artifacts", "--job", job, fmt.Sprint(n)).CombinedOutput(); strings.Contains(string(out), "tmp/small") {
			return n
		}
	}
	p.t.Fatalf("no pipeline ran %s", job)
	return 0
}

// TestFaultEngineDiskFull fills the disk of the engine: the message says whose
// disk it is, and what to do.
func TestFaultEngineDiskFull(t *testing.T) {
	slow(t)
	disk, image := newDisk(t, 64), images.Busybox(t)
	newOwnEngine(t, filepath.Join(disk, "data"), image)
	p := newPlace(t, map[string]string{".popsicle/ci.yml": strings.Replace(`version: 2.1
jobs:
  one:
    docker: [{image: IMAGE}]
    steps: [{run: echo works}]
workflows: {main: {jobs: [one]}}
`, "IMAGE", image, 1)})
	p.must(0, "run")
	free := fillUp(t, disk)
	r := p.runWith(func(said) {})
	r.wants(3, "one", "infrastructure_fail", "the engine's disk is full")
	free()
	p.must(0, "run")
	p.waitFor("nothing is left", func() bool { return len(p.ours()) == 0 })
}
