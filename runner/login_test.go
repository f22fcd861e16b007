package runner

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/popsicle-ci/popsicle/testscripts/images"
)

func TestFill(t *testing.T) {
	vars := varsOf("USER", "ada", "WORD", "$USER")
	for text, want := range map[string][2]string{
		"$USER":       {"ada", ""},
		"x-${USER}-y": {"x-ada-y", ""},
		"$WORD":       {"$USER", ""},
		"a$ b$$USER":  {"a$ b$ada", ""},
		"$NONE $USER": {"$NONE ada", "$NONE"},
		"${USER":      {"${USER", ""},
	} {
		if got, unset := fill(text, vars); got != want[0] || unset != want[1] {
			t.Errorf("%s: %q, unset %q", text, got, unset)
		}
	}
}

func TestPasswords(t *testing.T) {
	job := jobOn("a")
	job.Images = []plan.Image{{}, {Auth: &plan.Auth{Password: "in the config"}}, {Auth: &plan.Auth{Password: "$WORD", AWSSecretAccessKey: "too"}}}
	got := Passwords(&plan.Pipeline{Workflows: []*plan.Workflow{{Jobs: []*plan.Job{job}}}})
	if want := varsOf("auth.password", "in the config", "aws_secret_access_key", "too"); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// privateRegistry is Docker's registry on a port of this machine, which knows
// one user: ada, with the password "s3cret$word". It returns its address.
func privateRegistry(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Skip("no docker-registry on the PATH (apt install docker-registry)")
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("s3cret$word"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, dir := l.Addr().String(), t.TempDir()
	_ = l.Close() // the registry takes the port
	users, config := filepath.Join(dir, "users"), filepath.Join(dir, "config.yml")
	text := fmt.Sprintf(`version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: %s}}
http: {addr: %q}
auth: {htpasswd: {realm: test, path: %s}}
`, dir, address, users)
	for name, text := range map[string]string{users: "ada:" + string(hash) + "\n", config: text} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, "serve", config)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	tick, tooLate := time.NewTicker(20*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for {
		answer, err := http.Get("http://" + address + "/v2/")
		if err == nil {
			_ = answer.Body.Close()
			return address
		}
		select {
		case <-tick.C:
		case <-tooLate:
			t.Fatalf("the registry does not answer: %v", err)
		}
	}
}

// push gives a registry an image under a name, which the engine then forgets.
func push(t *testing.T, image, name string) {
	t.Helper()
	dir := t.TempDir()
	host, _, _ := strings.Cut(name, "/")
	config := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, base64.StdEncoding.EncodeToString([]byte("ada:s3cret$word")))
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"tag", image, name}, {"push", name}, {"rmi", name}} {
		if out, err := exec.Command("docker", append([]string{"--config", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("docker %s: %v: %s", args[0], err, out)
		}
	}
	t.Cleanup(func() { _ = exec.CommandContext(context.WithoutCancel(t.Context()), "docker", "rmi", name).Run() })
}

// TestPrivateImages pulls from a registry that lets in one user alone.
func TestPrivateImages(t *testing.T) {
	name := privateRegistry(t) + "/ours/app:1"
	push(t, images.Busybox(t), name)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	r := newRig(t, nil)
	job := jobOn(name, "echo in it")
	job.Contexts = []string{"registry"}
	job.Images = append(job.Images, plan.Image{Name: name, Command: []string{"true"}})
	auth := &plan.Auth{Username: "ada", Password: "$REGISTRY_WORD"}
	job.Images[0].Auth, job.Images[1].Auth = auth, auth
	pulling := func(word string) func(*Runner) {
		return func(run *Runner) {
			run.Pull = PullMissing
			run.Contexts = map[string][]plan.Var{"registry": varsOf("REGISTRY_WORD", word)}
			run.Mask = NewMask(run.Contexts["registry"])
		}
	}
	for word, want := range map[string]string{
		"wrong word": "registry refused user ada for " + name + ": check $REGISTRY_WORD: ",
		"":           "registry refused user ada for " + name,
	} {
		o := r.run(job, pulling(word))
		if o.Status != event.InfrastructureFail || !strings.Contains(o.Reason, want) {
			t.Errorf("with %q: %s %s", word, o.Status, o.Reason)
		}
	}
	if o := r.run(job, func(run *Runner) { run.Pull, run.Contexts = PullMissing, map[string][]plan.Var{"registry": nil} }); !strings.Contains(o.Reason, "names $REGISTRY_WORD, which neither") {
		t.Errorf("without the variable: %s", o.Reason)
	}
	o := r.run(job, pulling("s3cret$word"))
	r.must(t, o)
	if got := r.said(3); got != "in it\n" {
		t.Errorf("the step said %q\n%s", got, r.story())
	}
	for _, e := range r.events {
		if strings.Contains(fmt.Sprintf("%+v", e), "s3cret$word") {
			t.Errorf("an event holds the password: %+v", e)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(temporary, "popsicle-login-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
