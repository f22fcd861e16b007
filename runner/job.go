package runner

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// An Outcome is how a job ended.
type Outcome struct {
	Status event.Status
	Reason string // why, where the steps do not say it
	Kept   bool   // the container of a failed job stays
	Repro  string // a docker command that does a failed job's steps without popsicle
	Steps  int    // the number of the last step that started
}

// A job is one job while it runs.
type job struct {
	runner *Runner
	plan   *plan.Job
	at     event.At // Step is that of the step that runs; see enter
	name   string   // of the container
	starts int      // how often it was started
	// earlier is how many steps the job had on an engine that died: the numbers
	// of its steps go on from there.
	earlier int

	container *docker.Container
	session   *session
	view      *view    // nil: the tree comes through the pipe
	objects   []string // the host's object folders that are mounted
	refused   bool     // the engine refused the mounts once
	plain     bool     // it refused them again: do without
	facts     *Facts   // of the image, once it was asked

	resume     *Resume // what it goes on from; nil: it begins at its beginning
	checkedOut bool    // its first checkout step did its part
	failed     bool
	keeping    bool  // the container is kept
	failedAt   int   // the first step that failed
	background []int // steps that run beside the others
	companions []*companion
	stop       context.CancelCauseFunc // ends the job
	services   services
	plug       plug
	power      docker.Power // of the container: less where the engine refuses that of a machine
	host       bool         // there is no container: it runs on this host

	ahead int // the step that the driver has already

	mu        sync.Mutex
	news      *sync.Cond      // of announced
	announced int             // the last step that was said to have started
	outputs   map[int]*output // by step
	closed    bool            // nothing that comes now belongs to the job
}

// RunJob runs a job to its end. The container's removal goes on after it
// returned: Close waits for it. The steps are numbered from the one after
// at.Step.
func (r *Runner) RunJob(ctx context.Context, at event.At, p *plan.Job) (o Outcome) {
	switch p.Kind {
	case plan.NoOp, plan.Lock, plan.Unlock: // one popsicle run is alone in its serial group
		return Outcome{Status: event.Success}
	}
	if p.Kind == plan.Approval {
		return r.approve(ctx, at, p)
	}
	where := siteOf(p.Kind, runtime.GOOS, r.Host)
	if where == nowhere {
		return noMac(p, runtime.GOOS)
	}
	if power := powerOf(p); r.Confined && power != "" {
		return refused(p, power)
	}
	switch {
	case where == bareHost:
		p = onHost(p)
	case p.Kind == plan.Machine:
		p = r.onMachine(at, p)
	}
	j := &job{runner: r, plan: p, at: at, earlier: at.Step, outputs: map[int]*output{}, power: powerFor(p), host: where == bareHost}
	j.at.Step = 0
	if r.Resume != nil {
		j.resume = r.Resume(at.Workflow, p.Name, at.Node)
	}
	j.news = sync.NewCond(&j.mu)
	j.name = fmt.Sprintf("popsicle-%s-%d-%.8s", r.Build.run(), at.JobID, uuid())
	r.Out.Emit(event.JobStarted{At: j.at, Engine: j.engine(), Runner: r.Name, Container: j.name})
	defer func() { o.Kept = j.close() }()
	ctx, j.stop = context.WithCancelCause(ctx)
	defer j.stop(nil)
	o = j.steps(ctx)
	j.mu.Lock()
	defer j.mu.Unlock()
	o.Steps = j.earlier + j.announced
	return o
}

// steps does the job's steps in a container of its own.
func (j *job) steps(ctx context.Context) Outcome {
	if err := j.spinUp(ctx); err != nil {
		return j.broken(ctx, err)
	}
	for i, s := range j.plan.Steps {
		if err := j.take(ctx, j.first()+i, s); err != nil {
			return j.broken(ctx, err)
		}
	}
	mistake, err := j.continues(ctx)
	if err != nil {
		return j.broken(ctx, err)
	}
	if j.failed {
		return Outcome{Status: event.Failed, Repro: j.repro()}
	}
	if mistake != nil {
		return Outcome{Status: event.Failed, Reason: j.runner.Mask.String(mistake.Error())}
	}
	return Outcome{Status: event.Success, Reason: j.resume.story()}
}

// first is the number of the plan's first step: those before it are popsicle's
// own, the environment and its companions.
func (j *job) first() int { return 2 + len(j.companions) }

// broken tells the end of a job that its steps did not decide.
func (j *job) broken(ctx context.Context, err error) Outcome {
	if gone := (*mainEnded)(nil); errors.As(context.Cause(ctx), &gone) {
		return Outcome{Status: event.Failed, Reason: gone.Error()}
	}
	if ctx.Err() != nil { // whatever else the cancel made go wrong
		return Outcome{Status: event.Canceled}
	}
	return Outcome{Status: event.InfrastructureFail, Reason: j.runner.Mask.String(err.Error())}
}

// close ends what still runs and removes the container, or keeps it, off the
// way of the jobs that wait for this one.
func (j *job) close() (kept bool) {
	j.hush()
	for _, step := range j.background {
		j.enter(step)
		end := event.StepFinished{Status: event.Success, Reason: "ended with the job"}
		select {
		case code := <-j.session.end(step):
			end = ended(code)
		default:
		}
		j.finish(end)
	}
	j.part()
	j.endServices()
	if j.session != nil {
		j.keeping = j.worthKeeping()
		j.dismiss(j.session, j.container, j.view)
	}
	return j.keeping
}

// closePatience is how long a container may take to end by itself.
const closePatience = 5 * time.Second

// dismiss removes a container and what was made for it alone, or keeps both.
func (j *job) dismiss(s *session, ct *docker.Container, v *view) {
	r, keeping := j.runner, j.keeping
	r.closing.Go(func() {
		ctx, cancel := cleanup()
		defer cancel()
		if keeping && j.keep(ctx, ct, v) == nil { // else there is nothing to open later, which popsicle shell says
			return
		}
		patience := closePatience
		select {
		case <-r.Now:
			patience = 0
		default:
		}
		r.leave(ct.Close(ctx, patience))
		select {
		case <-s.ended:
		case <-ctx.Done(): // something holds the client's output open
		}
		r.leave(r.Docker.VolumeRemove(ctx, v.volumes()...))
	})
}

// spinUp is the first step of every job: a live container with the driver's
// answer, the job's variables and its working directory.
func (j *job) spinUp(ctx context.Context) error {
	j.enter(1)
	r, image := j.runner, j.plan.Images[0]
	r.Out.Emit(event.StepStarted{At: j.at, Name: "Spin up environment", Kind: "environment"})
	j.announce(1)
	having, giveUp := context.WithCancel(ctx)
	defer giveUp()
	have := j.haveServices(having)
	err := j.spin(ctx, image)
	if err != nil {
		giveUp()
	}
	if missing := have.Wait(); err == nil {
		err = missing
	}
	if err == nil {
		j.startMain(ctx)
		err = j.startServices()
	}
	if err == nil {
		err = j.startEngine(ctx)
	}
	if err == nil {
		err = j.prepare(ctx)
	}
	if err != nil {
		if ctx.Err() != nil {
			j.finish(event.StepFinished{Status: event.Canceled})
			return err
		}
		j.say("%s\n", err)
		j.finish(event.StepFinished{Status: event.InfrastructureFail})
		return err
	}
	if j.resume != nil {
		j.outgrown()
	}
	j.finish(event.StepFinished{Status: event.Success})
	j.introduce()
	return nil
}

// prepare sets up the shell that every step begins in.
func (j *job) prepare(ctx context.Context) error {
	r, h := j.runner, j.session.hello
	if j.view != nil {
		if err := <-j.view.loaded; err != nil {
			return fmt.Errorf("base %s: %w", j.view.base.Volume, err)
		}
	}
	j.sendTimings(ctx)
	for _, name := range j.plan.Contexts {
		if _, known := r.Contexts[name]; !known {
			r.once(event.At{Pipeline: j.at.Pipeline}, fmt.Sprintf("%s: jobs of context %s run without its variables", j.plan.Pos, name))
		}
	}
	text, refused := exports(r.environment(j.at, j.plan, h))
	for _, name := range refused {
		r.once(j.at, fmt.Sprintf("%s: variable %q is left out: no shell can export that name", j.plan.Pos, name))
	}
	dir := expand(j.plan.WorkDir, h.Home, h.Home)
	text += "command export PATH=\"$_bin:$PATH\"\n" + install(j.programs(), j.shims())
	text += j.bashEnv() + " >" + quote(h.Dir+"/bash_env") + "\n" + j.resume.startup(h)
	j.session.ask(text + "mkdir -p " + quote(dir) + " && cd " + quote(dir))
	j.sendAhead(j.first()-1, plan.Run{})
	code, err := j.session.answer(ctx)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s: working_directory %s cannot be made by user %d of %s: set `user: root` on the image, or another working_directory",
			j.plan.Pos, j.plan.WorkDir, h.UID, j.plan.Images[0].Name)
	}
	if err == nil {
		j.ready(ctx, dir)
	}
	return err
}

// ready tells what the job runs on.
func (j *job) ready(ctx context.Context, dir string) {
	r, image := j.runner, j.plan.Images[0]
	e := event.JobReady{At: j.at, User: fmt.Sprint(j.session.hello.UID), WorkDir: dir}
	e.At.Step = 0
	if known, err := j.image(ctx); err == nil { // else the history lacks it
		e.ImageDigest, e.Arch = known.ID, known.Arch
		e.Emulated = r.Arch != "" && e.Arch != r.Arch
	}
	if e.Emulated {
		r.once(j.at, fmt.Sprintf("%s is an image for %s: it runs emulated on this %s engine, several times slower", image.Name, e.Arch, r.Arch))
	}
	r.Out.Emit(e)
}
