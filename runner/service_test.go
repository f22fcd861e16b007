package runner

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// serving is an image that answers on a port with a line, once it is up.
func serving(image, port, line string) plan.Image {
	return plan.Image{Name: image, Entrypoint: []string{"sh", "-c"}, Command: []string{
		`echo "serving on ` + port + `, $GREETING"; while :; do echo "` + line + `" | nc -l -p ` + port + `; done`,
	}}
}

// ask waits for an answer on a port.
func ask(host, port string) string {
	return `i=0; until nc ` + host + ` ` + port + ` </dev/null 2>/dev/null; do i=$((i+1)); [ $i -lt 100 ] || exit 9; sleep 0.1; done`
}

// ends returns how each step ended.
func (l *listener) ends() map[int]event.StepFinished {
	l.mu.Lock()
	defer l.mu.Unlock()
	ends := map[int]event.StepFinished{}
	for _, e := range l.events {
		if f, ok := e.(event.StepFinished); ok {
			ends[f.Step] = f
		}
	}
	return ends
}

// warnings returns the texts of all messages of a level.
func (l *listener) warnings() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, e := range l.events {
		if m, ok := e.(event.Message); ok && m.Level == event.Warning {
			b.WriteString(m.Text + "\n")
		}
	}
	return b.String()
}

func TestServices(t *testing.T) {
	image := images.Busybox(t)
	r := newRig(t, nil)
	j := jobOn(image, ask("localhost", "7001"), ask("cache", "7002"), "! env | grep GREETING")
	one, two := serving(image, "7001", "from one"), serving(image, "7002", "from two")
	one.Env = varsOf("GREETING", "it's $one", "PATH", "/bin:/usr/bin", "DOCKER_HOST", "tcp://nowhere")
	two.Host = "cache"
	j.Images = append(j.Images, one, two)
	o := r.run(j)
	r.must(t, o)
	if one, two := r.said(4), r.said(5); one != "from one\n" || two != "from two\n" {
		t.Errorf("the steps heard %q and %q", one, two)
	}
	if got := r.said(6); strings.Contains(got, "GREETING") {
		t.Errorf("a service's variable in the primary: %q", got)
	}
	if got := r.said(2); got != "serving on 7001, it's $one\n" {
		t.Errorf("the first service said %q", got)
	}
	for step, end := range r.ends() {
		if end.Status != event.Success {
			t.Errorf("step %d ended as %+v", step, end)
		}
	}
}

// A service that dies says why, and fails nothing. Two on one port are such.
func TestServicesThatDie(t *testing.T) {
	image := images.Busybox(t)
	r := newRig(t, nil)
	j := jobOn(image, "echo on")
	dying := plan.Image{Name: image, Entrypoint: []string{"sh", "-c", "echo first >&2; echo 'no such database' >&2; exit 3"}}
	second := plan.Image{Name: image, Entrypoint: []string{"sh", "-c", "until nc localhost 7001 -e true; do sleep 0.1; done; exec httpd -f -p 7001"}}
	absent := plan.Image{Name: image, Entrypoint: []string{"/no/such/program"}}
	j.Images = append(j.Images, dying, plan.Image{Name: image, Entrypoint: []string{"httpd", "-f", "-p", "7001"}}, second, absent)
	died := make(chan struct{}, 8)
	r.hear = func(e event.Event) {
		if f, ok := e.(event.StepFinished); ok && f.Status == event.Failed {
			died <- struct{}{}
		}
	}
	j.Steps = append(j.Steps, plan.Step{When: plan.OnSuccess, Do: plan.Run{Command: "while ! [ -e /tmp/go ]; do sleep 0.05; done"}})
	go func() {
		for range 3 {
			<-died
		}
		for _, name := range r.left() {
			if !strings.Contains(name, "service") {
				_ = exec.Command("docker", "exec", name, "touch", "/tmp/go").Run()
			}
		}
	}()
	r.must(t, r.run(j))
	ends := r.ends()
	if e := ends[2]; e.Status != event.Failed || e.ExitCode != 3 || !strings.Contains(r.warnings(), "Container "+image+" ended with exit code 3 before the job did: first; no such database") {
		t.Errorf("the dying service: %+v\n%s", e, r.warnings())
	}
	if e := ends[4]; e.Status != event.Failed || !strings.Contains(r.said(4), "in use") {
		t.Errorf("the second on a port: %+v %q", e, r.said(4))
	}
	if e := ends[5]; e.Status != event.Failed || e.ExitCode != 127 || !strings.Contains(r.said(5), "no such file") {
		t.Errorf("without its program: %+v %q", e, r.said(5))
	}
}

func TestServiceWithoutImage(t *testing.T) {
	image := images.Busybox(t)
	for _, pull := range []Pull{PullNever, PullMissing} {
		r := newRig(t, nil)
		j := jobOn(image, "echo must not run")
		j.Images = append(j.Images, plan.Image{Name: "127.0.0.1:1/absent", Pos: plan.Pos{File: "ci.yml", Line: 3, Column: 9}})
		o := r.run(j, func(r *Runner) { r.Pull = pull })
		if o.Status != event.InfrastructureFail || !strings.Contains(o.Reason, "127.0.0.1:1/absent") || strings.Contains(r.story(), "must not run") {
			t.Errorf("%s: %+v\n%s", pull, o, r.story())
		}
	}
}

func TestServicesOfACanceledJob(t *testing.T) {
	image := images.Busybox(t)
	r := newRig(t, nil)
	j := jobOn(image, "echo began; sleep 300")
	j.Images = append(j.Images, serving(image, "7001", "up"))
	began := r.when(saying("began"))
	run := r.runner()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-began; cancel() }()
	o := run.RunJob(ctx, event.At{Pipeline: 7, Workflow: "w", Job: j.Name, JobID: 1}, j)
	run.Close(t.Context())
	if o.Status != event.Canceled {
		t.Errorf("%+v", o)
	}
	if left := r.left(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
