package runner

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/popsicle-ci/popsicle/testscripts/images"
)

func TestMainProcess(t *testing.T) {
	of := docker.ImageConfig{Entrypoint: []string{"entry"}, Cmd: []string{"cmd"}}
	kept := of
	kept.Labels = map[string]string{preserveLabel: "true"}
	tests := []struct {
		name  string
		image plan.Image
		in    docker.ImageConfig
		want  []string
	}{
		{"ignored", plan.Image{}, of, nil},
		{"the label", plan.Image{}, kept, []string{"entry", "cmd"}},
		{"a command", plan.Image{Command: []string{"c"}}, of, []string{"entry", "c"}},
		{"an entrypoint ends the image's command", plan.Image{Entrypoint: []string{"e", "x"}}, of, []string{"e", "x"}},
		{"both", plan.Image{Entrypoint: []string{"e"}, Command: []string{"c"}}, kept, []string{"e", "c"}},
		{"none, in docker's words", plan.Image{Entrypoint: []string{""}}, kept, nil},
	}
	for _, tt := range tests {
		if got := mainProcess(tt.image, tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestEntrypointBesideTheSteps(t *testing.T) {
	image := images.Busybox(t)
	r := newRig(t, nil)
	j := jobOn(image, "until nc localhost 7001 -e true; do sleep 0.1; done; [ -z \"$ONLY\" ] || [ \"$ONLY\" = job ]")
	j.Images[0].Entrypoint = []string{"sh", "-c", `echo "up with $ONLY, it's" "$0"; exec httpd -f -p 7001`, "a b"}
	j.Images[0].Env, j.Env = varsOf("ONLY", "image"), varsOf("ONLY", "job")
	r.must(t, r.run(j))
	if got := r.said(2); got != "up with image, it's a b\n" {
		t.Errorf("the entrypoint said %q", got)
	}
	if e := r.ends()[2]; e.Status != event.Success {
		t.Errorf("the entrypoint's step ended as %+v", e)
	}
}

// A shell as the entrypoint waits for input that never comes.
func TestEntrypointThatIsAShell(t *testing.T) {
	r := newRig(t, nil)
	j := jobOn(images.Busybox(t), "echo on", "sleep 0.2", "echo still on")
	j.Images[0].Entrypoint = []string{"/bin/sh"}
	r.must(t, r.run(j))
}

// The label asks for the image's own process, and its end is the job's.
func TestPreservedEntrypoint(t *testing.T) {
	base := images.Busybox(t)
	image := "popsicle-test/preserve-" + uuid()[:8]
	build := exec.Command("docker", "build", "--quiet", "--tag", image, "-")
	build.Stdin = strings.NewReader("FROM " + base + "\nLABEL " + preserveLabel + "=true\nENTRYPOINT [\"sh\", \"-c\"]\n" +
		`CMD ["echo up; until [ -e /tmp/end ]; do sleep 0.1; done; echo 'no license' >&2; exit 4"]` + "\n")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", image).Run() })
	r := newRig(t, nil)
	o := r.run(jobOn(image, "echo on; touch /tmp/end; sleep 300", always(plan.Run{Command: "echo must not run"})))
	if o.Status != event.Failed || !strings.Contains(o.Reason, "ended with exit code 4 before the job did: up; no license: the job ends with it") {
		t.Errorf("%+v\n%s", o, r.story())
	}
	if strings.Contains(r.story(), "must not run") {
		t.Error(r.story())
	}
}
