package runner

import (
	"archive/tar"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// withEngine makes an image that has docker and, of this machine, an engine.
// Without the engine's programs here the test is skipped.
func withEngine(t *testing.T, programs ...string) string {
	t.Helper()
	base := images.Debian(t)
	context := t.TempDir()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, name := range programs {
		file, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("no %s here: %v", name, err)
		}
		files := append(libraries(t, file), file)
		if name == "iptables" { // its words are plugins
			plugins, _ := filepath.Glob("/usr/lib/*/xtables/*.so")
			files = append(files, plugins...)
		}
		for _, f := range files {
			body, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			_ = w.WriteHeader(&tar.Header{Name: f[1:], Mode: 0o755, Size: int64(len(body))}) // into memory
			_, _ = w.Write(body)
		}
	}
	_ = w.Close()
	if err := os.WriteFile(filepath.Join(context, "engine.tar"), archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	image := "popsicle-test/engine-" + uuid()[:8]
	build := exec.Command("docker", "build", "--quiet", "--tag", image, "--file", "-", context)
	build.Stdin = strings.NewReader("FROM " + base + "\nADD engine.tar /\n")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", image).Run() })
	return image
}

// libraries are what a program is linked with.
func libraries(t *testing.T, file string) []string {
	out, _ := exec.Command("ldd", file).Output() // a static program has none
	var files []string
	for field := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(field, "/") {
			files = append(files, field)
		}
	}
	return files
}

func TestMachineHasAnEngineOfItsOwn(t *testing.T) {
	image := withEngine(t, "docker", "dockerd", "containerd", "containerd-shim-runc-v2", "runc", "docker-init", "docker-proxy", "iptables")
	r := newRig(t, nil)
	j := jobOn("",
		`tar -c -h --hard-dereference -P $(ldd /bin/echo | grep -o '/[^ ]*') /bin/echo | docker import - mine; docker ps --all --quiet`,
		`docker run --rm mine /bin/echo in a container; docker images --format '{{.Repository}}'`)
	j.Kind, j.Images, j.Machine = plan.Machine, nil, "ubuntu-2204:current"
	o := r.run(j, func(r *Runner) { r.Machine = image })
	if strings.Contains(r.warnings(), "refuses") {
		t.Skip("the engine of this machine gives no container the privileges that an engine needs: " + r.warnings())
	}
	r.must(t, o)
	if got := r.said(4); got != "in a container\nmine\n" {
		t.Errorf("on the machine's engine: %q; %q", got, r.said(1))
	}
	if !strings.Contains(r.warnings(), "asks for a machine ubuntu-2204:current: it runs in a container of "+image+" that has all privileges") {
		t.Error(r.warnings())
	}
	if out, _ := exec.Command("docker", "images", "--quiet", "mine").Output(); len(out) > 0 {
		t.Error("the image was made on the user's engine")
	}
}

func TestMachineWithoutEngine(t *testing.T) {
	r := newRig(t, map[string]string{"f": "tested\n"})
	j := jobOn("", plan.Checkout{}, "cat f")
	j.Kind, j.Images = plan.Machine, nil
	image := images.Busybox(t)
	r.must(t, r.run(j, func(r *Runner) { r.Machine = image }))
	if none := strings.Contains(r.said(1), "no dockerd") || strings.Contains(r.warnings(), "refuses a container all privileges"); !none || r.said(3) != "tested\n" {
		t.Errorf("%q %q", r.said(1), r.said(3))
	}
}

func TestMacOSJob(t *testing.T) {
	r := newRigWithoutEngine(t, nil)
	j := jobOn("", "echo must not run")
	j.Kind, j.Images = plan.MacOS, nil
	if runtime.GOOS == "darwin" {
		t.Skip("this is a Mac")
	}
	if o := r.run(j); o.Status != event.NotRun || !strings.Contains(o.Reason, "a macos job needs a Mac") || len(r.events) != 0 {
		t.Errorf("%+v %v", o, r.events)
	}
}

func TestRemoteDocker(t *testing.T) {
	image := withEngine(t, "docker")
	label := "popsicle-test-remote=" + uuid()[:8]
	t.Cleanup(func() {
		out, _ := exec.Command("docker", "ps", "--all", "--quiet", "--filter", "label="+label).Output()
		for id := range strings.FieldsSeq(string(out)) {
			_ = exec.Command("docker", "rm", "--force", id).Run()
		}
	})
	for _, user := range []string{"", "3434"} {
		r := newRig(t, nil)
		j := jobOn(image, "ls /var/run/docker.sock", plan.SetupRemoteDocker{}, "docker create --label "+label+" "+image+" true; docker ps --all --quiet --filter label="+label+" | wc -l")
		j.Images[0].User = user
		j.WorkDir = "/tmp/project"
		r.must(t, r.run(j))
		if got := r.said(4); !strings.HasSuffix(got, "1\n") && !strings.HasSuffix(got, "2\n") {
			t.Errorf("user %q: %q", user, got)
		}
		if !strings.Contains(r.said(3), "reach the engine that it runs on, unix:///var/run/docker.sock") {
			t.Errorf("user %q: the step says %q", user, r.said(3))
		}
	}
}

// Without the step there is no socket, and what has no docker is told so.
func TestRemoteDockerOnlyWhenAskedFor(t *testing.T) {
	image := images.Busybox(t)
	r := newRig(t, nil)
	r.must(t, r.run(jobOn(image, "[ ! -e /var/run/docker.sock ]; [ -z \"$DOCKER_HOST\" ]")))
	r.must(t, r.run(jobOn(image, plan.SetupRemoteDocker{}, "echo $DOCKER_HOST")))
	if !strings.Contains(r.said(2), "has no docker command") || r.said(3) != "unix:///var/run/docker.sock\n" {
		t.Errorf("%q %q", r.said(2), r.said(3))
	}
	// A group that cannot be seen from here is asked of the container.
	j := jobOn(image, plan.SetupRemoteDocker{}, "echo on")
	j.Images[0].User, j.WorkDir = "3434", "/tmp/project"
	r.must(t, r.run(j, func(r *Runner) { r.Engine = "ssh://elsewhere" }))
}

func TestLimitsAndRamdisk(t *testing.T) {
	image := images.Busybox(t)
	r := newRig(t, nil)
	read := "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || true; echo x >/mnt/ramdisk/f; df /mnt/ramdisk | grep -o tmpfs"
	j := jobOn(image, read)
	j.ResourceClass, j.Images[0].User, j.WorkDir = "small", "1000", "/tmp/project"
	r.must(t, r.run(j, func(r *Runner) { r.Limits = true }))
	if got := r.said(2); !strings.HasPrefix(got, "2147483648\n") || !strings.HasSuffix(got, "tmpfs\n") || !strings.Contains(r.said(1), "Limited to 1 CPUs and 2.0 GB") {
		t.Errorf("%q %q", r.said(1), got)
	}
	j.ResourceClass = "2xlarge+"
	r.must(t, r.run(j, func(r *Runner) { r.Limits = true }))
	if !strings.Contains(r.said(1), "all that the engine has, of 20 CPUs and 40 GB") {
		t.Errorf("%q", r.said(1))
	}
	j.ResourceClass = "company/own"
	r.must(t, r.run(j, func(r *Runner) { r.Limits = true }))
	if !strings.Contains(r.warnings(), "resource_class company/own has no size") || strings.Contains(r.said(1), "Limited") {
		t.Errorf("%q %q", r.warnings(), r.said(1))
	}
}
