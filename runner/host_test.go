package runner

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// onThisHost makes a machine job that runs without a container.
func onThisHost(steps ...any) (*plan.Job, func(*Runner)) {
	j := jobOn("", steps...)
	j.Kind, j.Images = plan.Machine, nil
	return j, func(r *Runner) { r.Host = true }
}

// marked lists the processes of jobs below a temporary folder, by their environment.
func marked(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range all {
		text, _ := os.ReadFile(file) // it may have ended
		if strings.Contains(string(text), "POPSICLE_HOST_JOB="+dir) {
			found = append(found, file)
		}
	}
	return found
}

// nothingLeft fails the test if a job on this host left a process or a file.
func nothingLeft(t *testing.T, temporary string) {
	t.Helper()
	if left := marked(t, temporary); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(temporary, "popsicle-*")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

func TestJobOnThisHost(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv("TOKEN_OF_THE_USER", "secret")
	r := newRigWithoutEngine(t, map[string]string{"file": "content\n"})
	before := r.fingerprint()
	j, tune := onThisHost(
		plan.Checkout{},
		`cat file; pwd; echo "$HOME"; git log --format=%s; env | grep -c TOKEN_OF_THE_USER || :; echo "$OURS"; echo "$0"`,
		"setsid sleep 3600 >/dev/null 2>&1 & echo $$ is a shell; mkdir -p deep/er && chmod 500 deep",
		plan.SaveCache{Key: "k", Paths: []string{"file"}},
		"rm file",
		plan.RestoreCache{Keys: []string{"k"}},
		"cat file",
		plan.StoreArtifacts{Path: "file"},
		"exit 3",
		always(plan.Run{Command: "echo still"}),
	)
	j.Env = varsOf("OURS", "it is set")
	o := r.run(j, tune)
	if o.Status != event.Failed || o.Repro != "" {
		t.Errorf("it ended as %s: %s %s\n%s", o.Status, o.Reason, o.Repro, r.story())
	}
	lines := strings.Split(r.said(3), "\n")
	if len(lines) < 7 || lines[0] != "content" || !strings.HasPrefix(lines[1], temporary+"/popsicle-") || lines[1] != lines[2]+"/project" ||
		lines[3] != "first" || lines[4] != "0" || lines[5] != "it is set" {
		t.Errorf("the step said %q\n%s", lines, r.story())
	}
	if again, after := r.said(8), r.said(11); again != "content\n" || after != "still\n" {
		t.Errorf("after the cache %q, after the failure %q\n%s", again, after, r.story())
	}
	if got := r.warnings(); !strings.Contains(got, "job job runs on this host, without a container (--allow-host): it may do whatever ada may") {
		t.Errorf("it was not said: %q", got)
	}
	if got := r.said(1); !strings.Contains(got, "On this host, without a container. HOME is the new folder "+temporary) {
		t.Errorf("the first step says %q", got)
	}
	nothingLeft(t, temporary)
	if driver := filepath.Dir(lines[6]); !strings.Contains(driver, "/.popsicle-") {
		t.Errorf("the step ran in %s", driver)
	} else if _, err := os.Stat(driver); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", driver, err)
	}
	r.unchanged(before)
}

func TestCancelOnThisHost(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	r := newRigWithoutEngine(t, nil)
	j, tune := onThisHost("setsid sh -c 'trap \"\" INT TERM; sleep 3600' & echo begun; sleep 3600")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	run := r.runner(tune)
	begun := r.when(saying("begun"))
	go func() { <-begun; cancel() }()
	o := run.RunJob(ctx, event.At{Pipeline: 7, Workflow: "w", Job: j.Name, JobID: 1}, j)
	run.Close(t.Context())
	if o.Status != event.Canceled || run.Left() {
		t.Errorf("it ended as %s %s, left %v", o.Status, o.Reason, run.Left())
	}
	nothingLeft(t, temporary)
}

func TestSiteOf(t *testing.T) {
	for _, c := range []struct {
		kind    plan.Kind
		goos    string
		allowed bool
		want    site
	}{
		{plan.Docker, "linux", true, inContainer},
		{plan.Docker, "darwin", true, inContainer},
		{plan.Machine, "linux", false, inContainer},
		{plan.Machine, "linux", true, bareHost},
		{plan.Machine, "darwin", true, inContainer},
		{plan.MacOS, "linux", false, nowhere},
		{plan.MacOS, "linux", true, nowhere},
		{plan.MacOS, "darwin", false, nowhere},
		{plan.MacOS, "darwin", true, bareHost},
		{plan.Machine, "freebsd", true, inContainer},
	} {
		if got := siteOf(c.kind, c.goos, c.allowed); got != c.want {
			t.Errorf("%s on %s, allowed %v: %v, want %v", c.kind, c.goos, c.allowed, got, c.want)
		}
	}
	for goos, want := range map[string]string{"linux": "needs a Mac", "darwin": "on this Mac itself, if popsicle run --allow-host"} {
		if o := noMac(&plan.Job{}, goos); !strings.Contains(o.Reason, want) {
			t.Errorf("on %s: %q", goos, o.Reason)
		}
	}
}
