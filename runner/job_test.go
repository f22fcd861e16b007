package runner

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/popsicle-ci/popsicle/testscripts/images"
)

func TestJobSteps(t *testing.T) {
	image := images.Busybox(t)
	r := newRig(t, nil)
	o := r.run(jobOn(image,
		"echo one", "printf two; exit 0", onFail(plan.Run{Command: "echo not yet"}),
		"exit 3", "echo skipped", always(plan.Run{Command: "echo cleanup"}), "echo skipped too",
		onFail(plan.Run{Command: "echo report; exit 5"}), always(plan.Run{Command: "echo end"}),
	))
	want := "1=success 2<one/>=success:0 3<two>=success:0 4=skipped 5=failed:3 6=skipped 7<cleanup/>=success:0 8=skipped 9<report/>=failed:5 10<end/>=success:0"
	if got := r.story(); got != want || o.Status != event.Failed {
		t.Errorf("%s\ngot  %s\nwant %s", o.Status, got, want)
	}
	if !strings.HasPrefix(o.Repro, "docker run ") || !strings.Contains(o.Repro, "exit 3") || strings.Contains(o.Repro, "skipped") {
		t.Errorf("repro: %s", o.Repro)
	}
}

// The command that repeats a failed job must fail as it did.
func TestReproRuns(t *testing.T) {
	r := newRig(t, map[string]string{"file": "content\n"})
	j := jobOn(images.Busybox(t), plan.Checkout{}, "cat file", plan.Run{Command: `echo "$GREETING from $(pwd)"; exit 7`, WorkDir: "sub", Env: varsOf("GREETING", "it's me")}, "echo no more")
	j.Steps[1].Do = plan.Run{Command: "mkdir sub; cat file"}
	o := r.run(j)
	if o.Status != event.Failed || o.Repro == "" {
		t.Fatalf("%+v\n%s", o, r.story())
	}
	cmd := exec.Command("sh", "-c", strings.Replace(o.Repro, " -it ", " ", 1))
	cmd.Dir = t.TempDir()
	if err := exec.Command("cp", r.dir+"/file", cmd.Dir).Run(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 || string(out) != "content\nit's me from /root/project/sub\n" {
		t.Errorf("%v: %s\n%s", err, out, o.Repro)
	}
}

func TestJobEnvironment(t *testing.T) {
	r := newRig(t, nil)
	j := jobOn(images.Debian(t),
		`echo "$A $B $C $D $E"`,
		plan.Run{Command: `echo "$E $CIRCLE_JOB"`, Env: varsOf("E", "step", "CIRCLE_JOB", "mine")},
		`echo "export E='from BASH_ENV'" >>"$BASH_ENV"; echo "$E"`,
		plan.Run{Command: `echo "$E"`, Env: varsOf("E", "step")},
		`echo "$CI $CIRCLECI $CIRCLE_JOB $CIRCLE_BRANCH $CIRCLE_WORKING_DIRECTORY $PWD ${CIRCLE_TAG-no tag}"; [ "$CIRCLE_SHA1" = "`+strings.TrimSpace(r.git("rev-parse", "HEAD"))+`" ]`,
		"exec /bin/sh -c 'echo $0'; false",
		plan.Run{Command: "import os; print(os.environ['A'])", Shell: "python3"},
	)
	j.Images[0].Env = varsOf("A", "image", "B", "image", "C", "image", "D", "image", "E", "image", "CIRCLE_JOB", "image")
	j.Env = varsOf("D", "job", "E", "job", "A", "$HOME `x` 'q' \\")
	project := varsOf("B", "project", "CIRCLE_JOB", "project", "C", "secret value")
	o := r.run(j, func(r *Runner) { r.Env, r.Mask = project, NewMask([]plan.Var{{Name: "SECRET", Value: "secret value"}}) })
	r.must(t, o)
	for step, want := range map[int]string{
		2: "$HOME `x` 'q' \\ project **** job job\n",
		3: "step mine\n",
		4: "job\n",
		5: "from BASH_ENV\n",
		6: "true true job main ~/project /root/project no tag\n",
		8: "$HOME `x` 'q' \\\n",
	} {
		if got := r.said(step); got != want {
			t.Errorf("step %d: %q, want %q", step, got, want)
		}
	}
	for _, e := range r.events {
		if strings.Contains(fmt.Sprint(e), "secret value") {
			t.Errorf("a secret in %T", e)
		}
	}
}

// The shell of a step is what it says, with no flags that it does not say.
func TestShellsOfSteps(t *testing.T) {
	r := newRig(t, nil)
	r.must(t, r.run(jobOn(images.Debian(t),
		plan.Run{Command: "false; echo went on", Shell: "/bin/sh"},
		plan.Run{Command: "shopt -q login_shell && echo $- && command -v circleci", Shell: "bash -l"},
		plan.Run{Command: `. "$BASH_ENV"; echo fine`, Shell: "/bin/sh -e"},
		`PATH=/bin; echo 'export A=b' >>"$BASH_ENV"; bash -c 'echo $PATH $A'`,
	)))
	for step, want := range map[int]string{2: "went on\n", 4: "fine\n", 5: "/bin b\n"} {
		if got := r.said(step); got != want {
			t.Errorf("step %d: %q, want %q", step, got, want)
		}
	}
	if got := r.said(3); !strings.HasPrefix(got, "hB\n/tmp/.popsicle-") || !strings.HasSuffix(got, "/circleci\n") {
		t.Errorf("a login shell said %q", got)
	}
}

func TestStepThatIsSilentForTooLong(t *testing.T) {
	r := newRig(t, nil)
	o := r.run(jobOn(images.Busybox(t),
		plan.Run{Command: "echo before; trap 'exit 0' TERM; while :; do :; done", NoOutputTimeout: soon},
		"echo must not run",
		always(plan.Run{Command: "echo after"}),
	))
	want := "1=success 2<before/><Too long with no output (exceeded 300ms)/>=timedout 3=skipped 4<after/>=success:0"
	if got := r.story(); got != want || o.Status != event.Failed {
		t.Errorf("%s\ngot  %s\nwant %s", o.Status, got, want)
	}
}

// A step that waits for a success is not run after a failure, however well
// the step just before it went.
func TestNothingIsSentAheadAfterAFailure(t *testing.T) {
	r := newRig(t, nil)
	r.run(jobOn(images.Busybox(t), "exit 1", always(plan.Run{Command: "echo fine"}), "touch /tmp/ran", always(plan.Run{Command: "ls /tmp/ran 2>/dev/null || echo did not run"})))
	if got := r.said(5); got != "did not run\n" {
		t.Errorf("got %q", got)
	}
}

func TestReruns(t *testing.T) {
	r := newRig(t, nil)
	o := r.run(jobOn(images.Busybox(t), plan.Run{Command: "echo x >>/tmp/n; [ $(wc -l </tmp/n) = 3 ]", MaxAutoReruns: 5, AutoRerunDelay: time.Millisecond}, "cat /tmp/n"))
	r.must(t, o)
	if got := r.said(3); got != "x\nx\nx\n" {
		t.Errorf("got %q", got)
	}
}

func TestBackgroundStepsOfAJob(t *testing.T) {
	r := newRig(t, nil)
	o := r.run(jobOn(images.Busybox(t),
		plan.Run{Command: "echo up; touch /tmp/up; while :; do sleep 0.1; done", Background: true},
		plan.Run{Command: "echo broken; exit 4", Background: true},
		"while ! [ -e /tmp/up ]; do sleep 0.05; done; (while sleep 0.01; do echo late; done) & sleep 0.3; echo done",
	))
	r.must(t, o)
	if r.said(2) != "up\n" || r.said(3) != "broken\n" || !strings.Contains(r.said(4), "done\n") {
		t.Errorf("%s", r.story())
	}
	ends := map[int]event.StepFinished{}
	for _, e := range r.events {
		if f, ok := e.(event.StepFinished); ok {
			ends[f.Step] = f
		}
	}
	if ends[2].Status != event.Success || ends[3].ExitCode != 4 {
		t.Errorf("the background steps ended as %+v and %+v", ends[2], ends[3])
	}
	if last := r.events[len(r.events)-1]; last.Type() != "step_finished" {
		t.Errorf("after the end of the steps comes %s", last.Type())
	}
}

func TestStepThatKillsItsContainer(t *testing.T) {
	r := newRig(t, nil)
	o := r.run(jobOn(images.Busybox(t), "kill -9 -1; sleep 60", always(plan.Run{Command: "echo after"})))
	if o.Status != event.InfrastructureFail || !strings.Contains(o.Reason, "the container ended while the step ran") {
		t.Errorf("%+v\n%s", o, r.story())
	}
}

func TestMissingImages(t *testing.T) {
	images.Busybox(t) // an engine
	const absent = "popsicle-test/absent:1"
	r := newRig(t, nil)
	j := jobOn(absent, "true")
	j.Images[0].Pos = plan.Pos{File: "ci.yml", Line: 3, Column: 5}
	o := r.run(j)
	for _, part := range []string{"ci.yml:3:5", absent, "--pull never", "docker pull " + absent} {
		if o.Status != event.InfrastructureFail || !strings.Contains(o.Reason, part) {
			t.Errorf("never: no %q in %s %s", part, o.Status, o.Reason)
		}
	}
	o = r.run(j, func(r *Runner) { r.Pull = PullMissing })
	if o.Status != event.InfrastructureFail || !strings.Contains(o.Reason, "image "+absent) || !strings.Contains(r.said(1), "Pulling "+absent) {
		t.Errorf("if-missing: %s %s: %q", o.Status, o.Reason, r.said(1))
	}
}

// cancelRun starts a job, cancels it once a step says "on", and returns how
// it ended and how long that took.
func cancelRun(r *rig, job *plan.Job, then func(now chan struct{}), tune ...func(*Runner)) (Outcome, time.Duration) {
	r.t.Helper()
	now := make(chan struct{})
	run := r.runner(append(tune, func(r *Runner) { r.Now = now })...)
	on := r.when(saying("on\n"))
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	ended := make(chan Outcome, 1)
	go func() {
		ended <- run.RunJob(ctx, event.At{Job: job.Name, JobID: 1}, job)
		run.Close(ctx)
		close(ended)
	}()
	select {
	case <-on:
	case o := <-ended:
		r.t.Fatalf("ended before the cancel: %+v\n%s", o, r.story())
	}
	begin := time.Now()
	cancel()
	if then != nil {
		then(now)
	}
	o := <-ended
	<-ended // the container too
	return o, time.Since(begin)
}

func TestCanceledJob(t *testing.T) {
	image := images.Busybox(t)
	const loop = "; while :; do sleep 0.05; done"
	t.Run("a step that heeds the signal", func(t *testing.T) {
		r := newRig(t, nil)
		o, took := cancelRun(r, jobOn(image, "echo on; exec sleep 300", always(plan.Run{Command: "echo after"})), nil)
		if want := "1=success 2<on/>=canceled"; o.Status != event.Canceled || r.story() != want || took > Grace {
			t.Errorf("%s after %s: %s", o.Status, took, r.story())
		}
	})
	t.Run("a step that tidies up, and ends well", func(t *testing.T) {
		r := newRig(t, nil)
		o, _ := cancelRun(r, jobOn(image, "trap 'echo tidy; exit 0' INT; echo on"+loop, "echo must not run"), nil)
		if want := "1=success 2<on/><tidy/>=canceled"; o.Status != event.Canceled || r.story() != want {
			t.Errorf("%s: %s", o.Status, r.story())
		}
	})
	t.Run("a step that traps it, for as long as it may", func(t *testing.T) {
		r := newRig(t, nil)
		o, took := cancelRun(r, jobOn(image, "trap '' INT TERM; echo on"+loop), nil, func(r *Runner) { r.Grace = 1200 * time.Millisecond })
		if o.Status != event.Canceled || took < 1200*time.Millisecond {
			t.Errorf("%s after %s", o.Status, took)
		}
		told := false
		for _, e := range r.events {
			if m, ok := e.(event.Message); ok && strings.Contains(m.Text, "traps the signal") {
				told = true
			}
		}
		if !told {
			t.Error("nobody was told")
		}
	})
	t.Run("at once, by a second signal", func(t *testing.T) {
		r := newRig(t, nil)
		o, took := cancelRun(r, jobOn(image, "trap '' INT TERM; echo on"+loop), func(now chan struct{}) { close(now) })
		if o.Status != event.Canceled || took > Grace {
			t.Errorf("%s after %s", o.Status, took)
		}
	})
}

func TestTwoJobsAtOnce(t *testing.T) {
	image := images.Busybox(t)
	r := newRig(t, map[string]string{"file": "content\n"})
	run := r.runner()
	var jobs sync.WaitGroup
	for id := range 3 {
		jobs.Go(func() {
			j := jobOn(image, plan.Checkout{}, fmt.Sprintf("cat file; echo job %d >file; cat file", id))
			if o := run.RunJob(t.Context(), event.At{Job: "job", JobID: id + 1}, j); o.Status != event.Success {
				t.Errorf("%+v", o)
			}
		})
	}
	jobs.Wait()
	run.Close(t.Context())
	for id := range 3 {
		var text strings.Builder
		for _, e := range r.events {
			if o, ok := e.(event.Output); ok && o.JobID == id+1 && o.Step == 3 {
				text.WriteString(o.Text)
			}
		}
		if want := fmt.Sprintf("content\njob %d\n", id); text.String() != want {
			t.Errorf("job %d said %q", id, text.String())
		}
	}
}

// An engine that says no to everything must end in an error, not in a panic.
func TestEngineThatNeverStartsAContainer(t *testing.T) {
	bin := t.TempDir() + "/docker"
	for name, script := range map[string]string{
		"no such image":   "#!/bin/sh\n[ $1 = pull ] && exit 0\necho 'No such image: x' >&2; exit 125\n",
		"failed to mount": "#!/bin/sh\necho 'failed to mount' >&2; exit 125\n",
		"unknown":         "#!/bin/sh\necho 'whatever' >&2; exit 125\n",
	} {
		t.Run(name, func(t *testing.T) {
			writeScript(t, bin, script)
			r := newRigWithoutEngine(t, map[string]string{"file": ""})
			o := r.run(jobOn("x", plan.Checkout{}), func(r *Runner) { r.Docker, r.Pull = docker.CLI{Bin: bin}, PullMissing })
			if o.Status != event.InfrastructureFail || o.Reason == "" {
				t.Errorf("%+v", o)
			}
		})
	}
}
