package realdocker

import (
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// A door is a second socket of the engine, which counts who comes through.
type door struct {
	address string
	calls   atomic.Int64
}

// newDoor opens a door to the engine's own socket.
func newDoor(t *testing.T) *door {
	t.Helper()
	engine, ok := strings.CutPrefix(docker.CLI{}.Endpoint(), "unix://")
	if !ok {
		t.Skip("SKIPPED, NOT TESTED: the engine has no socket on this machine")
	}
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	d := &door{address: "unix://" + socket}
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return // closed
			}
			d.calls.Add(1)
			go pass(from.(*net.UnixConn), engine)
		}
	}()
	return d
}

// pass joins a connection to the engine; each side ends by itself.
func pass(from *net.UnixConn, engine string) {
	defer from.Close()
	to, err := net.DialUnix("unix", nil, &net.UnixAddr{Net: "unix", Name: engine})
	if err != nil {
		return
	}
	defer to.Close()
	there := make(chan struct{})
	go func() {
		_, _ = io.Copy(to, from) // who goes away early is no matter of the door's
		_ = to.CloseWrite()
		close(there)
	}()
	_, _ = io.Copy(from, to)
	_ = from.CloseWrite()
	<-there
}

// TestDockersOwnChoice runs on the engine that docker itself would choose, and
// on it alone: by DOCKER_HOST, by DOCKER_CONTEXT, by docker context use.
func TestDockersOwnChoice(t *testing.T) {
	image := images.Busybox(t)
	config := "version: 2.1\njobs:\n  build:\n    docker: [{image: " + image + "}]\n    steps: [checkout, run: cat file]\nworkflows: {main: {jobs: [build]}}\n"
	p := newPlace(t, map[string]string{"file": "content\n", ".popsicle/ci.yml": config})
	for _, tt := range []struct {
		name  string
		setUp string // with docker, before
		env   string
	}{
		{"DOCKER_HOST", "", "DOCKER_HOST=DOOR"},
		{"DOCKER_CONTEXT", "docker context create other --docker host=DOOR", "DOCKER_CONTEXT=other"},
		{"docker context use", "docker context create other --docker host=DOOR && docker context use other", "UNUSED="},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDoor(t)
			env := []string{"DOCKER_CONFIG=" + t.TempDir(), "DOCKER_HOST=", "DOCKER_CONTEXT="}
			setUp := exec.Command("sh", "-c", strings.ReplaceAll(tt.setUp, "DOOR", d.address))
			setUp.Env = append(setUp.Environ(), env...)
			if out, err := setUp.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			env = append(env, strings.ReplaceAll(tt.env, "DOOR", d.address))
			before := d.calls.Load()
			run := p.command("run")
			run.Env = append(run.Env, env...)
			if out, err := run.CombinedOutput(); err != nil || !strings.Contains(string(out), "| content") {
				t.Fatalf("%v: %s", err, out)
			}
			if d.calls.Load() == before {
				t.Errorf("the run did not use %s", d.address)
			}
			doctor := p.command("doctor")
			doctor.Env = append(doctor.Env, env...)
			if out, err := doctor.CombinedOutput(); err != nil || !strings.Contains(string(out), d.address) {
				t.Errorf("doctor: %v: %s", err, out)
			}
		})
	}
	run := p.command("run")
	run.Env = append(run.Env, "DOCKER_HOST=", "DOCKER_CONTEXT=nobody-made-it")
	if out, err := run.CombinedOutput(); err == nil || !strings.Contains(string(out), "nobody-made-it") {
		t.Errorf("a context that nobody made: %v: %s", err, out)
	}
}
