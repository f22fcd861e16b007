package runner

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/docker"
)

// renewing is a run whose tree is far from its base, on an engine that copies
// files by a shell command; the engine's log is what it was asked to do.
func renewing(t *testing.T, copying string) (r *Runner, memory *remembered, log func() string) {
	t.Helper()
	rig := newRigWithoutEngine(t, map[string]string{"file": "content\n"})
	bin, said := filepath.Join(t.TempDir(), "docker"), filepath.Join(t.TempDir(), "log")
	writeScript(t, bin, "#!/bin/sh\necho \"$1 $2\" >>"+said+"\ncase $1 in cp) "+copying+" ;; esac\n[ \"$2\" != inspect ] || echo /mountpoint\n")
	r = rig.runner()
	r.Docker = docker.CLI{Bin: bin}
	if _, err := r.Checkout.Tree(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.renew(&view{image: "img"}, make([]gitops.File, renewFiles-1))
	if text, err := os.ReadFile(said); err == nil {
		t.Errorf("for a small difference the engine did %s", text)
	}
	for range 3 { // once a run is enough
		r.renew(&view{image: "img"}, make([]gitops.File, renewFiles))
	}
	return r, rig.memory, func() string {
		text, err := os.ReadFile(said)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func TestRenew(t *testing.T) {
	r, memory, log := renewing(t, "cat >/dev/null")
	r.Close(t.Context())
	if got := log(); len(memory.volumes()) != 1 || strings.Count(got, "volume create") != 1 || strings.Contains(got, "volume rm") {
		t.Errorf("bases %v; the engine did\n%s", memory.volumes(), got)
	}
}

// A run that was canceled does not wait for what only the next one needs.
func TestRenewIsGivenUp(t *testing.T) {
	began := filepath.Join(t.TempDir(), "began")
	if err := syscall.Mkfifo(began, 0o600); err != nil {
		t.Fatal(err)
	}
	r, memory, log := renewing(t, "echo >"+began+"; exec sleep 300")
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := os.ReadFile(began); err != nil { // waits for the copy to begin
		t.Fatal(err)
	}
	cancel()
	r.Close(ctx)
	if got := log(); len(memory.volumes()) != 0 || !strings.HasSuffix(got, "cp -\nrm --force\nvolume rm\n") {
		t.Errorf("bases %v; the engine did\n%s", memory.volumes(), got)
	}
}
