package realdocker

import (
	_ "embed"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

//go:embed testdata/hostile.py
var hostileScript string

const hostileConfig = `version: 2.1
jobs:
  make:
    docker: [{image: &image IMAGE}]
    steps:
      - checkout
      - run: python3 hostile.py /mnt/ramdisk/h
      - save_cache: {key: hostile, paths: [/mnt/ramdisk/h]}
      - persist_to_workspace: {root: /mnt/ramdisk, paths: [h]}
      - store_artifacts: {path: /mnt/ramdisk/h, destination: h}
  use:
    docker: [{image: *image}]
    steps:
      - restore_cache: {key: hostile}
      - attach_workspace: {at: /mnt/ramdisk/ws}
      - run: |
          cd /mnt/ramdisk; diff -r --no-dereference h ws/h && rm -r ws; cd h
          ls -1 -b; stat -c %F/%h setuid hard; readlink toroot up; find deep -name bottom -exec cat {} +
          cat "$(printf 'new\nline')" "$(printf 'bad\377\376')" ./-rf
`

// TestFaultHostileFiles sends the oddest files through a cache, a workspace
// and artifacts: they come back in containers as they were, and on this host
// nothing but plain files below the folder that was asked for is written.
func TestFaultHostileFiles(t *testing.T) {
	t.Parallel()
	config := strings.Replace(hostileConfig, "IMAGE", images.Debian(t), 1) + "workflows: {main: {jobs: [make, use: {requires: [make]}]}}\n"
	p := newPlace(t, map[string]string{"hostile.py": hostileScript, ".popsicle/ci.yml": config})
	r := p.runWith(func(said) {})
	r.wants(0, "use", "success", "")
	out := r.output("use")
	for _, want := range []string{`new\nline`, `bad\377\376`, strings.Repeat("L", 255), "regular file/2\n", "\n/\n../../../etc/passwd\nbottom", "new\nlinebad"} {
		if !strings.Contains(out, want) {
			t.Errorf("restored without %q:\n%s", want, out)
		}
	}
	for _, gone := range []string{"fifo", "socket", "device"} {
		if strings.Contains(out, "\n"+gone+"\n") {
			t.Errorf("%s is restored:\n%s", gone, out)
		}
	}
	if !r.has("message", "longer than the 4094 bytes that Linux allows") {
		t.Errorf("nothing is said of what lies too deep: %s", r.output("make"))
	}
	p.fetchesInertly()
}

// fetchesInertly fetches the artifacts of the first pipeline into folders of
// this host that are prepared to lead elsewhere.
func (p place) fetchesInertly() {
	top := p.t.TempDir()
	dir, outside := filepath.Join(top, "out"), filepath.Join(top, "outside")
	p.must(0, "artifacts", "1", "-o", dir)
	files := 0
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		info, err := d.Info()
		if err == nil && info.Mode() != 0o644 {
			p.t.Errorf("%q is %s", name, info.Mode())
		}
		return err
	})
	if err != nil || files < 12 {
		p.t.Errorf("%d files, %v", files, err)
	}
	if entries, err := os.ReadDir(top); err != nil || len(entries) != 1 {
		p.t.Errorf("written outside: %v, %v", entries, err)
	}
	trap := filepath.Join(top, "trap")
	for _, err := range []error{os.Mkdir(outside, 0o755), os.Mkdir(trap, 0o755), os.Symlink(outside, filepath.Join(trap, "make"))} {
		if err != nil {
			p.t.Fatal(err)
		}
	}
	p.must(3, "artifacts", "1", "-o", trap, "--force")
	if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
		p.t.Errorf("written through a link: %v, %v", entries, err)
	}
}

// TestFaultTooMuch keeps what nobody has room for: a terabyte that takes no
// room in the container, whose tar would take an hour.
func TestFaultTooMuch(t *testing.T) {
	t.Parallel()
	p := newPlace(t, map[string]string{".popsicle/ci.yml": strings.Replace(`version: 2.1
jobs:
  cache:
    docker: [{image: &image IMAGE}]
    steps: [&bomb {run: mkdir /mnt/ramdisk/b; cd /mnt/ramdisk/b; echo small >small; truncate -s 1T terabyte}, {save_cache: {key: bomb, paths: [/mnt/ramdisk/b]}}]
  workspace:
    docker: [{image: *image}]
    steps: [*bomb, {persist_to_workspace: {root: /mnt/ramdisk, paths: [b]}}]
  artifacts:
    docker: [{image: *image}]
    steps: [*bomb, {store_artifacts: {path: /mnt/ramdisk/b, destination: b}}]
workflows: {main: {jobs: [cache, workspace, artifacts]}}
`, "IMAGE", images.Debian(t), 1)})
	r := p.runWith(func(said) {})
	r.wants(1, "cache", "failed", "")
	r.wants(1, "workspace", "failed", "")
	r.wants(1, "artifacts", "success", "")
	for job, want := range map[string]string{"cache": "more than 10 GB", "workspace": "more than 10 GB"} {
		if _, step := r.ends(job); !strings.Contains(step.Reason, want) {
			t.Errorf("%s: %+v", job, step)
		}
	}
	if !r.has("message", "b/terabyte is larger than") {
		t.Errorf("nothing is said of the artifact: %s", r.output("artifacts"))
	}
	if got := p.must(0, "artifacts", "1", "--get", "b/small"); got != "small\n" {
		t.Errorf("the artifact beside it is %q", got)
	}
}
