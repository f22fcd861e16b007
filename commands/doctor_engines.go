package commands

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/docker"
)

// An answer is what an engine said of itself, and how long that took.
type answer struct {
	docker.Info
	before, after time.Time
	err           error
}

func ask(ctx context.Context, client docker.CLI) answer {
	a := answer{before: time.Now()}
	a.Info, a.err = client.Info(ctx)
	a.after = time.Now()
	return a
}

// at describes the engine of a host.
func (a answer) at(host string) string {
	return fmt.Sprintf("engine %s on %s (%s, %s, %s, %s) answers in %d ms at %s", a.Version, a.OS, a.Arch, countOf(a.CPUs, "CPU"),
		gigabytes(uint64(a.Memory)), a.Driver, a.after.Sub(a.before).Milliseconds(), host)
}

// drift is how far the engine's clock is from this machine's; 0 where it is
// not known, for some engines do not say.
func (a answer) drift() time.Duration {
	switch {
	case a.Time.IsZero():
		return 0
	case a.Time.Before(a.before):
		return a.before.Sub(a.Time)
	case a.Time.After(a.after):
		return a.Time.Sub(a.after)
	}
	return 0
}

// engine looks at the local engine, its size, its speed and its clock.
func (d *doctor) engine(ctx context.Context) {
	a, name := ask(ctx, d.client), filepath.Base(d.client.Program())
	if a.err != nil {
		text, fix, _ := strings.Cut(a.err.Error(), "\n")
		d.broken(name, text, strings.TrimSpace(fix))
		return
	}
	text := a.at(engineName(d.client.Bin))
	switch {
	case a.after.Sub(a.before) > slowEngine && !docker.IsPodman(d.client.Program()): // podman info asks the package manager
		d.better(name, text, "every job waits for the engine: is the machine busy, or the engine far away?")
	case a.Memory < scarceRAM:
		d.better(name, text, "give the engine's virtual machine more memory: jobs are taken to need 1 GB each")
	default:
		d.well(name, text)
	}
	d.architecture(a.Info)
	d.clock(a)
}

func (d *doctor) architecture(info docker.Info) {
	if info.Arch == runtime.GOARCH {
		d.well("architecture", "images for "+info.Arch+" run at full speed")
		return
	}
	d.better("architecture", fmt.Sprintf("the engine is %s, this machine %s", info.Arch, runtime.GOARCH), "jobs run emulated, several times slower, unless the engine is on another machine")
}

func (d *doctor) clock(a answer) {
	switch drift := a.drift(); {
	case drift > clockDrift:
		d.better("clock", fmt.Sprintf("the engine's clock differs from this machine's by %s", drift.Round(time.Second)), "make and caches compare times: restart the engine's virtual machine, or set the clock")
	case !a.Time.IsZero():
		d.well("clock", "the engine and this machine agree")
	}
}

// runnerTime is how long an engine that was added may take to answer.
const runnerTime = 20 * time.Second

// runners looks at the engines that were added, all at once, and says whether
// they all answer.
func (d *doctor) runners(ctx context.Context, added []db.Runner) (well bool) {
	well = true
	ctx, cancel := context.WithTimeout(ctx, runnerTime)
	defer cancel()
	answers := make([]answer, len(added))
	var all sync.WaitGroup
	for i, r := range added {
		all.Go(func() { answers[i] = ask(ctx, clientOf(r, d.client.Bin)) })
	}
	all.Wait()
	for i, r := range added {
		d.runner(r, answers[i])
		well = well && answers[i].err == nil
	}
	return well
}

// runner says how an engine is that was added: runs go on without it.
func (d *doctor) runner(r db.Runner, a answer) {
	name := "runner " + r.Name
	if a.err != nil {
		text, _, _ := strings.Cut(a.err.Error(), "\n")
		d.better(name, r.Host+" does not answer: "+text, "runs do without it; popsicle runners rm "+r.Name+" ends that")
		return
	}
	if drift := a.drift(); drift > clockDrift {
		d.better(name, a.at(r.Host)+fmt.Sprintf("; its clock is off by %s", drift.Round(time.Second)), "make and caches compare times: set the clock there")
		return
	}
	d.well(name, a.at(r.Host))
}
