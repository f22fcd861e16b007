package realdocker

import (
	"net"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// oneJob is a pipeline of a job on each image, one after the other.
func oneJob(first, second string) map[string]string {
	return map[string]string{".popsicle/ci.yml": `version: 2.1
jobs:
  first:
    docker: [{image: "` + first + `"}]
    steps: [{run: echo first}]
  second:
    docker: [{image: "` + second + `"}]
    steps: [{run: echo second}]
workflows: {main: {jobs: [first, second: {requires: [first]}]}}
`}
}

// TestFaultImageGone removes an image between two jobs that need it.
func TestFaultImageGone(t *testing.T) {
	t.Parallel()
	const tag = "popsicle-test-fault:gone"
	box := images.Busybox(t)
	p := newPlace(t, oneJob(box, tag))
	p.docker("tag", box, tag)
	gone := false
	r := p.runWith(func(e said) {
		if e.Type == "step_started" && e.Job == "first" && !gone {
			gone = true
			p.docker("rmi", tag)
		}
	}, "--pull", "never")
	r.wants(3, "second", "infrastructure_fail", tag)
	if end, _ := r.ends("first"); end.Status != "success" {
		t.Errorf("the job before is %s", end.Status)
	}
}

// TestFaultRegistryGone pulls from registries that refuse, and that hang up in
// the middle of an answer.
func TestFaultRegistryGone(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 100))
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun"))
			_ = c.Close()
		}
	}()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close() // nobody listens there any more
	for name, at := range map[string]string{"refuses": closed.Addr().String(), "hangs up": l.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, oneJob(at+"/nobody/image:1", images.Busybox(t)))
			r := p.runWith(func(said) {})
			r.wants(3, "first", "infrastructure_fail", at)
			if end, _ := r.ends("second"); end.Status != "not_run" {
				t.Errorf("the job after it is %s", end.Status)
			}
			if end, _ := r.ends("first"); name == "refuses" && !strings.Contains(end.Reason, "the registry cannot be reached") {
				t.Errorf("it does not say what to do: %s", end.Reason)
			}
		})
	}
}
