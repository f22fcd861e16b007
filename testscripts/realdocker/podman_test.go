package realdocker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// A podmanSetup is a podman with images and a state of its own, or why there
// can be none here.
type podmanSetup struct {
	env []string
	why string
}

// ulimits are what podman may ask for: it takes fewer processes for itself
// than there may be, and cannot get the difference back where root may not
// raise limits.
func ulimits() string {
	const most = 32768
	var files, processes syscall.Rlimit
	_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) // zero is no limit of anybody's
	_ = syscall.Getrlimit(6, &processes)                 // RLIMIT_NPROC
	n := min(processes.Max, most)
	return fmt.Sprintf(`["nofile=%d:%d", "nproc=%d:%d"]`, min(files.Cur, 1024), files.Max, n, n)
}

// setUpPodman makes a podman whose containers have no network but their own
// localhost, so that nothing is left on this machine.
var setUpPodman = sync.OnceValue(func() podmanSetup {
	dir := filepath.Join(binDir, "podman")
	file := func(name string) string { return filepath.Join(dir, name) }
	s := podmanSetup{env: []string{"POPSICLE_ENGINE=podman", "CONTAINERS_STORAGE_CONF=" + file("storage.conf"), "CONTAINERS_CONF=" + file("containers.conf")}}
	storage := fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n[storage.options.overlay]\nskip_mount_home = \"true\"\n", file("root"), file("run"))
	containers := fmt.Sprintf("[containers]\nnetns = \"none\"\ndefault_ulimits = %s\n[engine]\ntmp_dir = %q\n", ulimits(), file("tmp"))
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(file("storage.conf"), []byte(storage), 0o600), os.WriteFile(file("containers.conf"), []byte(containers), 0o600)); err != nil {
		s.why = err.Error()
		return s
	}
	load := exec.Command("sh", "-c", "docker save "+images.BusyboxImage.Name+" | podman load -q && podman run --rm --init --pull never "+images.BusyboxImage.Name+" true")
	load.Env = append(os.Environ(), s.env...)
	if out, err := load.CombinedOutput(); err != nil {
		s.why = fmt.Sprintf("%v: %s", err, bytes.TrimSpace(out))
	}
	return s
})

// podman returns the environment of a podman, and skips the test where that
// cannot run a container.
func podman(t *testing.T) []string {
	t.Helper()
	images.Busybox(t)
	if _, err := exec.LookPath("podman"); err != nil {
		t.Skip("SKIPPED, NOT TESTED: podman is not installed: apt install podman catatonit")
	}
	s := setUpPodman()
	if s.why != "" {
		t.Skip("SKIPPED, NOT TESTED: podman cannot run a container here: " + s.why)
	}
	return s.env
}

// oursInPodman is ours, of podman.
func (p place) oursInPodman() []string {
	p.t.Helper()
	var found []string
	for _, args := range [][]string{{"ps", "--all"}, {"volume", "ls"}} {
		cmd := exec.Command("podman", append(args, "--format", "json")...)
		cmd.Env = append(os.Environ(), p.podman...)
		out, err := cmd.Output()
		var all []json.RawMessage
		if err == nil {
			err = json.Unmarshal(out, &all)
		}
		if err != nil {
			p.t.Fatalf("podman %s: %v: %s", args[0], err, out)
		}
		for _, one := range all {
			if bytes.Contains(one, []byte(p.home)) {
				found = append(found, args[0]+" "+string(one))
			}
		}
	}
	return found
}

// TestPodman runs everything that a job has on podman, twice, looks into the
// job that failed, and cleans up.
func TestPodman(t *testing.T) {
	slow(t)
	p := newPlaceOn(t, podman(t), map[string]string{"file": "content\n", ".popsicle/ci.yml": strings.ReplaceAll(`version: 2.1
jobs:
  one: &job
    docker: [{image: IMAGE}]
    steps:
      - checkout
      - restore_cache: {key: 'k-{{ checksum "file" }}'}
      - run: cat file; mkdir -p ~/cached ws; ls ~/cached; touch ~/cached/from-$CIRCLE_JOB; echo $CIRCLE_JOB was here >ws/$CIRCLE_JOB
      - save_cache: {key: 'k-{{ checksum "file" }}', paths: [~/cached]}
      - persist_to_workspace: {root: ws, paths: ["*"]}
      - store_artifacts: {path: ws, destination: of}
  two: *job
  served:
    docker:
      - image: IMAGE
      - image: IMAGE
        name: db
        entrypoint: [sh, -c, "trap '' TERM; while :; do echo up | nc -l -p 7001; done"]
    steps:
      - run: for host in localhost db; do until nc $host 7001 </dev/null; do sleep 0.1; done; done 2>/dev/null
  broken:
    docker: [{image: IMAGE}]
    steps:
      - attach_workspace: {at: in}
      - run: {command: cat in/*; echo trace >left; exit 3, environment: {WORD: kept}}
      - run: {command: echo always, when: always}
workflows:
  main:
    jobs: [one, two, served, broken: {requires: [one, two]}]
`, "IMAGE", images.BusyboxImage.Name)})
	for n, text := range []string{"No cache is found", "from-"} {
		out := p.must(1, "run")
		for _, want := range []string{"| content", "| up", "| one was here", "| two was here", "exit code 3", "| always", text, "(1 failed, 3 passed)", "podman run --rm -it"} {
			if !strings.Contains(out, want) {
				t.Errorf("run %d does not say %q:\n%s", n+1, want, out)
			}
		}
		kept := func(one string) bool {
			return strings.Contains(one, `"popsicle.kept"`) && strings.Contains(one, `"exited"`)
		}
		if left := slices.DeleteFunc(p.ours(), kept); len(left) > 0 {
			t.Errorf("run %d left %v", n+1, left)
		}
	}
	if out := p.must(0, "artifacts"); !strings.Contains(out, "of/one") || !strings.Contains(out, "of/two") {
		t.Errorf("artifacts: %s", out)
	}
	shell := p.command("shell")
	shell.Stdin = strings.NewReader("cat left; echo \"$WORD in $PWD\"; exit 7\n")
	out, err := shell.Output()
	if shell.ProcessState.ExitCode() != 7 || string(out) != "trace\nkept in /root/project\n" {
		t.Errorf("the shell ended with %v and said %q", err, out)
	}
	if said := p.must(0, "gc", "--older-than", "1ms"); strings.Count(said, "removed the container of job broken of #") != 2 {
		t.Errorf("gc said %q", said)
	}
	if said := p.must(0, "doctor"); !strings.Contains(said, "podman") || !strings.Contains(said, "nothing of dead runs is on the engine") {
		t.Errorf("doctor said %q", said)
	}
}

// TestPodmanLargeTree has two users see a tree that is kept as a volume.
func TestPodmanLargeTree(t *testing.T) {
	slow(t)
	files := largeTree()
	files[".popsicle/ci.yml"] = strings.ReplaceAll(`version: 2.1
jobs:
  one: &job
    docker: [{image: &image IMAGE}]
    steps:
      - checkout
      - run: find src -type f | wc -l; stat -c "%u owns" src; touch src/mine
  two: {<<: *job, docker: [{image: *image, user: "1000"}]}
workflows: {main: {jobs: [one, two]}}
`, "IMAGE", images.BusyboxImage.Name)
	p := newPlaceOn(t, podman(t), files)
	out := p.must(0, "run")
	for _, want := range []string{"| 1600", "| 0 owns", "| 1000 owns", "(0 sent, 0 removed, the rest was there)"} {
		if !strings.Contains(out, want) {
			t.Errorf("the run does not say %q:\n%s", want, out)
		}
	}
	if said := p.must(0, "gc", "--all"); strings.Count(said, "removed popsicle-base-") != 2 {
		t.Errorf("gc said %q", said)
	}
}

// TestPodmanSignals ends a run beside two services by Ctrl-C, and by kill -9;
// the first leaves nothing, what the second leaves the next run removes.
func TestPodmanSignals(t *testing.T) {
	slow(t)
	up := func(_ int, line string) bool { return strings.Contains(line, `both are up\n"`) }
	p := newPlaceOn(t, podman(t), withServices(images.BusyboxImage.Name))
	code, _ := p.signalAfter(os.Interrupt, up)
	if left := p.ours(); code != 130 || len(left) > 0 {
		t.Errorf("Ctrl-C: exit code %d; left: %v", code, left)
	}
	var running []string
	code, _ = p.signalAfter(os.Kill, func(n int, line string) bool {
		if !up(n, line) {
			return false
		}
		running = p.ours()
		return true
	})
	if code != -1 || len(running) != 3 {
		t.Fatalf("exit code %d; before the kill there was %v", code, running)
	}
	p.write(".popsicle/ci.yml", func(s string) string { return strings.Replace(s, "sleep 300", "true", 1) })
	p.must(0, "run")
	p.waitFor("nothing is left of the killed run", func() bool { return len(p.ours()) == 0 })
	if got := p.statuses(); !slices.Equal(got, []string{"canceled", "interrupted", "success"}) {
		t.Errorf("the history says %v", got)
	}
}
