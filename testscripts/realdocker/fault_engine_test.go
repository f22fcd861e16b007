package realdocker

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// An ownEngine is a dockerd of a test's own, which may be killed.
type ownEngine struct {
	place        // of the test alone
	dir   string // of everything it has
	data  string // its data-root
}

// newOwnEngine starts an engine that has an image, and makes it the one that
// docker and popsicle talk to. Only root may.
func newOwnEngine(t *testing.T, data, image string) *ownEngine {
	t.Helper()
	p := place{t: t}
	if os.Geteuid() != 0 {
		p.t.Skip("only root can start an engine")
	}
	dir, err := os.MkdirTemp("", "flt") //nolint:usetesting // a socket has to have a short path
	if err != nil {
		p.t.Fatal(err)
	}
	e := &ownEngine{place: p, dir: dir, data: data}
	saved := filepath.Join(dir, "image.tar")
	e.docker("save", "--output", saved, image)
	if out, err := exec.Command("ip", "link", "add", "name", e.bridge(), "type", "bridge").CombinedOutput(); err != nil {
		p.t.Skipf("no bridge for an engine: %v: %s", err, out)
	}
	p.t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(dir, "sock"))
	p.t.Cleanup(e.remove)
	for _, args := range [][]string{{"addr", "add", "10.213.0.1/24", "dev", e.bridge()}, {"link", "set", e.bridge(), "up"}} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			p.t.Fatalf("ip: %v: %s", err, out)
		}
	}
	e.start()
	e.docker("load", "--input", saved)
	return e
}

// bridge is the name of the engine's own bridge: with docker0 it would take
// that of the machine's engine.
func (e *ownEngine) bridge() string { return fmt.Sprintf("brf%d", os.Getpid()) }

// start starts the engine, and waits until it answers.
func (e *ownEngine) start() {
	e.t.Helper()
	config := filepath.Join(e.dir, "daemon.json")
	log, err := os.Create(filepath.Join(e.dir, "log"))
	if err == nil {
		defer log.Close()
		err = os.WriteFile(config, []byte("{}"), 0o600)
	}
	if err != nil {
		e.t.Fatal(err)
	}
	cmd := exec.Command("dockerd", "--config-file", config, "--data-root", e.data, "--exec-root", filepath.Join(e.dir, "exec"),
		"--pidfile", filepath.Join(e.dir, "pid"), "--host", "unix://"+filepath.Join(e.dir, "sock"), "--bridge", e.bridge(),
		"--iptables=false", "--ip6tables=false", "--storage-driver", "vfs")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		e.t.Skipf("no engine: %v", err)
	}
	go func() { _ = cmd.Wait() }() // it is killed
	e.waitFor("the engine answers", func() bool { return exec.Command("docker", "version").Run() == nil })
}

// kill kills everything of the engine without a warning, as a machine does
// that goes down: what it was started with names its folder.
func (e *ownEngine) kill() {
	for range 3 { // what is killed may just have started something
		entries, _ := os.ReadDir("/proc")
		for _, entry := range entries {
			pid, err := strconv.Atoi(entry.Name())
			line, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
			words := strings.Split(string(line), "\x00")
			if err == nil && strings.Contains(string(line), e.dir+"/") && slices.Contains([]string{"dockerd", "containerd", "containerd-shim-runc-v2"}, filepath.Base(words[0])) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
	for _, pid := range []string{"pid", "exec/containerd/containerd.pid"} { // the numbers may be somebody else's by now
		_ = os.Remove(filepath.Join(e.dir, pid))
	}
}

// remove removes the engine and all that it had.
func (e *ownEngine) remove() {
	if log, _ := os.ReadFile(filepath.Join(e.dir, "log")); e.t.Failed() {
		e.t.Logf("the engine said: %s", log[max(0, len(log)-4000):])
	}
	e.kill()
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(mounts)) {
		if at := strings.Fields(line)[1]; strings.HasPrefix(at+"/", e.dir+"/") || strings.HasPrefix(at+"/", e.data+"/") {
			_ = syscall.Unmount(at, syscall.MNT_DETACH)
		}
	}
	if out, err := exec.Command("ip", "link", "del", e.bridge()).CombinedOutput(); err != nil {
		e.t.Errorf("ip link del: %v: %s", err, out)
	}
	if err := os.RemoveAll(e.dir); err != nil {
		e.t.Log(err) // a namespace that the kernel still holds
	}
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
				e.kill()
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
