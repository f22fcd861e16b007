package realdocker

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

var keptName = regexp.MustCompile(`popsicle-kept:\S+|popsicle-1-\S+`)

// TestKeptAndCollected keeps the container of a failed job, looks into it, and
// has gc remove it: told first, then done, and nothing else. Another home's run
// leaves it alone.
func TestKeptAndCollected(t *testing.T) {
	config := "version: 2.1\njobs:\n  build:\n    docker: [{image: " + images.Busybox(t) + "}]\n    environment: {WORD: kept}\n" +
		"    steps:\n      - checkout\n      - run: echo trace > left\n      - run: exit 3\nworkflows: {main: {jobs: [build]}}\n"
	p := newPlace(t, map[string]string{".popsicle/ci.yml": config})
	p.must(1, "run")
	container := keptName.FindString(p.must(0, "gc", "--dry-run", "--all"))
	other := newPlace(t, map[string]string{".popsicle/ci.yml": config})
	if err := os.MkdirAll(filepath.Join(other.home, "leases"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other.home, "leases", "run1.lease"), nil, 0o600); err != nil { // of a run that died
		t.Fatal(err)
	}
	other.must(0, "gc")
	if !there(container) {
		t.Fatalf("%q is not kept", container)
	}
	shell := p.command("shell")
	shell.Stdin = strings.NewReader("cat left; echo \"$WORD in $PWD\"; exit 7\n")
	out, err := shell.Output()
	if shell.ProcessState.ExitCode() != 7 || string(out) != "trace\nkept in /root/project\n" {
		t.Errorf("the shell ended with %v and said %q", err, out)
	}
	would := p.must(0, "gc", "--dry-run", "--all")
	image := keptName.FindString(would)
	if there(container) {
		t.Errorf("%s is still there beside its image", container)
	}
	if !strings.HasPrefix(would, "would remove the container of job build of #1: ") || !there(image) {
		t.Fatalf("gc --dry-run said %q of %q", would, image)
	}
	if said := p.must(0, "gc"); said != "there is nothing to remove\n" || !there(image) {
		t.Errorf("gc removed what is new: %q", said)
	}
	if said := p.must(0, "gc", "--older-than", "1ms"); !strings.Contains(said, "removed the container of job build of #1: "+image) || there(image) {
		t.Errorf("gc said %q", said)
	}
}

// there says whether the engine has an image or a container.
func there(name string) bool {
	return name != "" && exec.Command("docker", "inspect", name).Run() == nil
}
