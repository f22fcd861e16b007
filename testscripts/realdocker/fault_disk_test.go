package realdocker

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// newDisk mounts a disk of its own, of so many megabytes. Only root may.
func newDisk(t *testing.T, megabytes int64) (dir string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk")
	dir = t.TempDir()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, megabytes<<20); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"mkfs.ext4", "-q", "-F", file}, {"mount", "-o", "loop", file, dir}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Skipf("no disk can be mounted here: %s: %v: %s", args[0], err, out)
		}
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "--lazy", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

// fillUp fills the disk of a folder to the last byte, and returns what gives
// the room back.
func fillUp(t *testing.T, dir string) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "everything")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	_ = f.Close() // it is full
	return func() { _ = os.Remove(name) }
}

const onSmallDisk = `version: 2.1
jobs:
  fits:
    docker: [{image: &image IMAGE}]
    steps:
      - run: echo kept >/tmp/small
      - store_artifacts: {path: /tmp/small}
      - save_cache: {key: small, paths: [/tmp/small]}
  log:
    docker: [{image: *image}]
    steps: [{run: echo the beginning; head -c 14000000 /dev/urandom | base64; echo the end}]
  cache:
    docker: [{image: *image}]
    steps: [&big {run: head -c 14000000 /dev/urandom >/tmp/big}, {save_cache: {key: big, paths: [/tmp/big]}}, {run: echo goes on}]
  artifacts:
    docker: [{image: *image}]
    steps: [*big, {store_artifacts: {path: /tmp/big}}, {run: echo not reached}]
  workspace:
    docker: [{image: *image}]
    steps: [*big, {persist_to_workspace: {root: /tmp, paths: [big]}}, {run: echo not reached}]
  restore:
    docker: [{image: *image}]
    steps: [{restore_cache: {key: small}}, {run: cat /tmp/small}]
workflows:
  main: {jobs: [fits, log, cache, artifacts, workspace, restore]}
`

// TestFaultDiskFull fills the disk of POPSICLE_HOME in every way. What cannot
// be kept is told with the disk and what to do, how the job ended is kept all
// the same, and what was kept before is whole.
func TestFaultDiskFull(t *testing.T) {
	slow(t)
	t.Parallel()
	disk := newDisk(t, 12)
	p := newPlace(t, map[string]string{".popsicle/ci.yml": strings.Replace(onSmallDisk, "IMAGE", images.Busybox(t), 1)})
	p.home = filepath.Join(disk, "home")
	run := func(job string) told { return p.runWith(func(said) {}, "--only", job) }
	run("fits").wants(0, "fits", "success", "")

	full := "the disk of " + p.home
	for job, status := range map[string]string{"artifacts": "infrastructure_fail", "workspace": "infrastructure_fail", "cache": "success"} {
		r := run(job)
		r.wants(map[string]int{"success": 0, "infrastructure_fail": 3}[status], job, status, map[string]string{"infrastructure_fail": full}[status])
		if job == "cache" && !r.has("message", "is not saved: "+full) {
			t.Errorf("no warning in %+v", r.events)
		}
		p.must(0, "gc") // what was begun goes
	}

	free := fillUp(t, disk)
	if said := p.must(3, "run", "--only", "fits"); !strings.Contains(said, p.home) || !strings.Contains(said, "full") || !strings.Contains(said, "popsicle gc") {
		t.Errorf("on a disk without a free byte: %s", said)
	}
	free()
	p.restores()

	r := run("log")
	r.wants(3, "log", "success", "")
	if !strings.Contains(r.stderr, "bytes of the log of pipeline #6 were not kept: history "+p.home) || !strings.Contains(r.stderr, "make room on that disk") {
		t.Errorf("it says %s", r.stderr)
	}
	if log := p.must(0, "logs", "6"); !strings.Contains(log, "the beginning\n") {
		t.Errorf("the log begins with %.100q", log)
	}

	got := p.statuses()
	if slices.Contains(got, "running") || got[len(got)-1] != "success" {
		t.Errorf("the history says %v", got)
	}
	p.intact()
	if got := p.must(0, "artifacts", "1", "--get", "tmp/small"); got != "kept\n" {
		t.Errorf("the artifact is %q", got)
	}
}

// restores runs a job that restores what the first pipeline kept.
func (p place) restores() {
	p.t.Helper()
	r := p.runWith(func(said) {}, "--only", "restore")
	r.wants(0, "restore", "success", "")
	if !strings.HasSuffix(r.output("restore"), "kept\n") {
		p.t.Errorf("the cache is %q", r.output("restore"))
	}
}
