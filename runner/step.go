package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// take does step number n of the job, if its condition holds. An error means
// that the job cannot go on.
func (j *job) take(ctx context.Context, n int, s plan.Step) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	j.enter(n)
	run, isRun := s.Do.(plan.Run)
	started := event.StepStarted{At: j.at, Name: j.runner.Mask.String(s.Name), Kind: s.Do.StepKind(), File: s.Pos.File, Line: s.Pos.Line}
	if isRun {
		started.Command, started.Shell, started.Background = j.runner.Mask.String(run.Command), j.shell(run), run.Background
	}
	j.runner.Out.Emit(started)
	j.announce(n)
	if skip, why := j.skips(n, s); skip {
		j.finish(event.StepFinished{Status: event.Skipped, Reason: why})
		return nil
	}
	if !isRun {
		j.session.lineup.start(n) // tar may have something to say
	}
	do := j.do
	if j.takesOver(n, s) {
		do = j.takeOver
	}
	end, err := do(ctx, n, s)
	if run.Background && err == nil && end.Status == event.Running {
		j.background = append(j.background, n)
		return nil
	}
	if err != nil {
		end.Status, end.Reason = event.InfrastructureFail, j.runner.Mask.String(err.Error())
	}
	if ctx.Err() != nil {
		end.Status, end.Reason, err = event.Canceled, "", ctx.Err()
	}
	if failed := end.Status == event.Failed || end.Status == event.TimedOut; failed && !j.failed {
		j.failed, j.failedAt = true, n
	}
	j.finish(end)
	return err
}

// skips says whether step number n is left out, and why where its condition
// does not say it. The step that halted the job is not: sent ahead, it may
// have ended before it is taken.
func (j *job) skips(n int, s plan.Step) (skip bool, why string) {
	switch {
	case j.haltedBefore(n):
		return true, "the job was halted by an earlier step"
	case s.When == plan.OnSuccess && j.failed, s.When == plan.OnFail && !j.failed:
		return true, ""
	}
	run, _ := s.Do.(plan.Run)
	if run.LastNode && j.at.Node != nodesOf(j.plan)-1 {
		return true, "deploy runs on the last node alone"
	}
	return false, ""
}

// haltedBefore says whether a step before number n ended the job.
func (j *job) haltedBefore(n int) bool {
	by := j.session.halted.Load()
	return by != 0 && by < int64(n)
}

// do is the one switch over kinds of step.
func (j *job) do(ctx context.Context, n int, s plan.Step) (event.StepFinished, error) {
	switch a := s.Do.(type) {
	case plan.Run:
		return j.run(ctx, n, a)
	case plan.Checkout:
		status, err := j.checkout(ctx, a)
		j.checkedOut = j.checkedOut || status == event.Success
		return event.StepFinished{Status: status}, err
	case plan.SaveCache:
		return j.saveCache(ctx, s, a)
	case plan.RestoreCache:
		return j.restoreCache(ctx, s, a)
	case plan.PersistToWorkspace:
		return j.persist(ctx, s, a)
	case plan.AttachWorkspace:
		return j.attach(ctx, s, a)
	case plan.StoreArtifacts:
		return j.storeArtifacts(ctx, s, a)
	case plan.StoreTestResults:
		return j.storeTestResults(ctx, s, a)
	case plan.AddSSHKeys:
		return j.addSSHKeys(ctx, s, a)
	case plan.SetupRemoteDocker:
		return j.setupRemoteDocker(ctx, s, a)
	}
	return event.StepFinished{}, fmt.Errorf("%s: nothing carries out a step of kind %s", s.Pos, s.Do.StepKind())
}

// shell returns the command line that a run step's script is given to.
func (j *job) shell(run plan.Run) string {
	switch {
	case run.Shell != "":
		return run.Shell
	case j.plan.Shell != "":
		return j.plan.Shell
	case j.session.hello.Bash:
		return "/bin/bash -eo pipefail"
	}
	return "/bin/sh -eo pipefail"
}

// run runs a command, again where the config allows reruns of a failed one.
func (j *job) run(ctx context.Context, n int, run plan.Run) (event.StepFinished, error) {
	if j.ahead != n {
		j.put(n, run)
	}
	if run.Background {
		j.session.beside(n, j.shell(run))
		return event.StepFinished{Status: event.Running}, nil
	}
	for rerun := 0; ; rerun++ {
		if rerun > 0 || j.ahead != n {
			j.session.start(n, j.shell(run))
		}
		j.sendAhead(n, run)
		end, err := j.await(ctx, n, run)
		if err != nil || end.Status != event.Failed || rerun == run.MaxAutoReruns {
			return end, err
		}
		j.say("Exited with %d: rerun %d of %d\n", end.ExitCode, rerun+1, run.MaxAutoReruns)
		select {
		case <-time.After(run.AutoRerunDelay):
		case <-ctx.Done():
			return end, ctx.Err()
		}
	}
}

// put gives the driver the files of a step.
func (j *job) put(n int, run plan.Run) {
	if text := j.preamble(run); text != "" {
		j.session.put(fmt.Sprintf("pre-%d", n), text)
	}
	j.session.put(fmt.Sprintf("step-%d.sh", n), run.Command)
}

// sendAhead sends the step after step n to the driver, if all that it waits
// for is the success of step n.
func (j *job) sendAhead(n int, run plan.Run) {
	if i := n + 1 - j.first(); i < len(j.plan.Steps) && run.MaxAutoReruns == 0 && !j.failed {
		s := j.plan.Steps[i]
		if next, ok := s.Do.(plan.Run); ok && s.When == plan.OnSuccess && !next.Background && !next.LastNode && !j.takesOver(n+1, s) {
			j.put(n+1, next)
			j.session.follow(n+1, j.shell(next))
			j.ahead = n + 1
		}
	}
}

// preamble is what a step's process does before it becomes the step's shell.
func (j *job) preamble(run plan.Run) string {
	text, refused := exports(run.Env)
	for _, name := range refused {
		j.runner.once(j.at, fmt.Sprintf("variable %q is left out: no shell can export that name", name))
	}
	if run.WorkDir != "" {
		h := j.session.hello
		text += "cd " + quote(expand(run.WorkDir, expand(j.plan.WorkDir, h.Home, h.Home), h.Home)) + " || exit\n"
	}
	return text
}

// noOutputTimeout is how long a step may be silent.
// https://circleci.com/docs/reference/configuration-reference/#run
const noOutputTimeout = 10 * time.Minute

// await waits for the end of a step in the foreground.
func (j *job) await(ctx context.Context, n int, run plan.Run) (event.StepFinished, error) {
	limit := run.NoOutputTimeout
	if limit == 0 {
		limit = noOutputTimeout
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case code := <-j.session.end(n):
			return ended(code), nil
		case <-j.session.ended:
			return event.StepFinished{}, j.session.lost()
		case <-ctx.Done():
			j.cancel(n)
			return event.StepFinished{}, ctx.Err()
		case now := <-timer.C:
			if left := limit - j.session.silence(now); left > 0 {
				timer.Reset(left)
				continue
			}
			j.say("Too long with no output (exceeded %s)\n", limit)
			reason := fmt.Sprintf("Too long with no output (exceeded %s): context deadline exceeded", limit)
			return event.StepFinished{Status: event.TimedOut, Reason: reason}, j.kill(ctx, n)
		}
	}
}

// ended is how a step ended that came to its end.
func ended(code int) event.StepFinished {
	e := event.StepFinished{Status: event.Success, ExitCode: code, HasExit: true}
	if code != 0 {
		e.Status = event.Failed
	}
	if code == 137 {
		e.Reason = "killed (SIGKILL): often out of memory"
	}
	return e
}

// signal signals a step, and keeps the one that was sent ahead from
// beginning: a step that is told to end may well end with 0.
func (j *job) signal(n int, signal string) {
	if j.ahead > n {
		j.session.kill(j.ahead, "KILL")
	}
	j.session.kill(n, signal)
}

// killPatience is how long a step may take to end after SIGTERM.
const killPatience = 5 * time.Second

// kill ends a step, so that the steps after it can still run.
func (j *job) kill(ctx context.Context, n int) error {
	for _, signal := range []string{"TERM", "KILL"} {
		j.signal(n, signal)
		select {
		case <-j.session.end(n):
			return nil
		case <-j.session.ended:
			return j.session.lost()
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(killPatience):
		}
	}
	return errors.New("the step does not end by SIGKILL")
}

// cancel asks a step to end as Ctrl-C in a terminal would, then as a
// shutdown, and waits no longer than the grace.
func (j *job) cancel(n int) {
	r := j.runner
	j.signal(n, "INT")
	grace := time.After(r.Grace)
	term := time.After(500 * time.Millisecond)
	note := time.After(time.Second)
	for {
		select {
		case <-j.session.end(n):
			return
		case <-j.session.ended:
			return
		case <-r.Now:
			return
		case <-grace:
			return
		case <-term:
			j.signal(n, "TERM")
		case <-note:
			r.Out.Emit(event.Message{At: j.at, Level: event.Warning, Text: fmt.Sprintf(
				"job %s traps the signal: it has %s to end (Ctrl-C again: at once)", j.plan.Name, r.Grace)})
		}
	}
}
