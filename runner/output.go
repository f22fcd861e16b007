package runner

import (
	"fmt"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// An output is what one step writes, on its way through the mask.
type output struct {
	mask    *maskStream
	midLine bool // what was written last has no end of line yet
	keep    bool // the end of it may have to be told again
	last    []byte
	early   []byte // what a companion wrote before its step was announced
}

// output takes what a step wrote, masks it and says it.
func (j *job) output(step int, p []byte) {
	if len(p) == 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for step > j.announced && !j.closed {
		if o := j.outputs[step]; o != nil && o.keep {
			// Nobody waits for a companion: the driver's answers, for which the
			// job waits before it announces anything, come the same way.
			o.early = append(o.early, p...)
			return
		}
		j.news.Wait() // a step that was sent ahead may write before it is announced
	}
	if !j.closed {
		j.outputOf(step).take(p)
	}
}

// take takes what the step wrote next.
func (o *output) take(p []byte) {
	if len(p) > 0 {
		o.midLine = p[len(p)-1] != '\n'
		o.mask.Write(p)
	}
}

// enter makes step n the one that runs. The listener reads where the job is
// while it runs.
func (j *job) enter(n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.at.Step = j.earlier + n
}

// hush drops what is written from now on: what a step left behind, or the
// beginning of one that was sent ahead in vain.
func (j *job) hush() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	j.news.Broadcast()
}

// announce lets the output of the steps up to n out.
func (j *job) announce(n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.announced = n
	if o := j.outputs[n]; o != nil && !j.closed {
		o.take(o.early)
		o.early = nil
	}
	j.news.Broadcast()
}

// outputOf returns the output of a step; j.mu is held.
func (j *job) outputOf(step int) *output {
	if j.outputs[step] == nil {
		at := j.at
		at.Step = j.earlier + step
		o := &output{}
		o.mask = j.runner.Mask.stream(func(p []byte) {
			if len(p) == 0 {
				return
			}
			if o.keep {
				o.note(p)
			}
			j.runner.Out.Emit(event.Output{At: at, Text: string(p)})
		})
		j.outputs[step] = o
	}
	return j.outputs[step]
}

// say adds a line of popsicle's own to the output of the step that runs.
func (j *job) say(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	o := j.outputOf(j.at.Step - j.earlier)
	if o.midLine {
		format = "\n" + format
	}
	o.midLine = false
	o.mask.Write(fmt.Appendf(nil, format, args...))
}

// finish closes the step at j.at, after all its output.
func (j *job) finish(e event.StepFinished) {
	j.mu.Lock()
	j.outputOf(j.at.Step - j.earlier).mask.Flush()
	j.mu.Unlock()
	e.At = j.at
	j.runner.Out.Emit(e)
}
