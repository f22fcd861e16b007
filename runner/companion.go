package runner

import (
	"fmt"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A companion is what runs beside the steps from before the first of them to
// the end of the job: a service, say. Its output is a step of its own, between
// the environment and the plan's first.
type companion struct {
	step  int
	name  string // of the step
	kind  string
	pos   plan.Pos
	ended bool // its step is closed; under job.mu
}

// companion makes the next one. All are made before the plan's first step is
// sent to the driver, for they come first in number.
func (j *job) companion(kind, name string, pos plan.Pos) *companion {
	c := &companion{step: j.first(), name: j.runner.Mask.String(name), kind: kind, pos: pos}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.outputOf(c.step).keep = true
	j.companions = append(j.companions, c)
	return c
}

// A companionOutput takes what a companion writes to its step.
type companionOutput struct {
	job  *job
	step int
}

func (w companionOutput) Write(p []byte) (int, error) {
	w.job.output(w.step, p)
	return len(p), nil
}

// introduce opens the steps of the companions.
func (j *job) introduce() {
	for _, c := range j.companions {
		at := j.at
		at.Step = j.earlier + c.step
		j.runner.Out.Emit(event.StepStarted{At: at, Name: c.name, Kind: c.kind, Background: true, File: c.pos.File, Line: c.pos.Line})
		j.announce(c.step)
	}
}

// died closes the step of a companion that ended before the job did, and says
// so. It returns what it said, and false where the job was first.
func (j *job) died(c *companion, code int) (said string, first bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for c.step > j.announced && !j.closed {
		j.news.Wait()
	}
	if j.closed {
		return "", false
	}
	c.ended = true
	end := ended(code)
	o := j.outputOf(c.step)
	o.mask.Flush()
	text := fmt.Sprintf("%s ended with exit code %d before the job did", c.name, code)
	if end.Reason != "" {
		text += ", " + end.Reason
	}
	if last := o.lastLines(3); last != "" {
		text += ": " + last
	}
	at := j.at
	at.Step = j.earlier + c.step
	level := event.Warning
	if code == 0 {
		level = event.Info // it had one thing to do, it seems
	}
	j.runner.Out.Emit(event.Message{At: at, Level: level, Text: j.runner.Mask.String(text)})
	end.At = at
	j.runner.Out.Emit(end)
	return text, true
}

// part closes the steps of the companions that live as long as the job did.
// Nothing of them is heard any more: hush was before.
func (j *job) part() {
	for _, c := range j.companions {
		if !c.ended && c.step <= j.announced {
			j.enter(c.step)
			j.finish(event.StepFinished{Status: event.Success, Reason: "ended with the job"})
		}
	}
}

// lastSize is how much of the end of an output is kept for lastLines.
const lastSize = 2 << 10

// note keeps the end of what was said.
func (o *output) note(p []byte) {
	if o.last = append(o.last, p...); len(o.last) > 2*lastSize {
		o.last = append(o.last[:0], o.last[len(o.last)-lastSize:]...)
	}
}

// lastLines returns the last n lines that say something, as one.
func (o *output) lastLines(n int) string {
	var lines []string
	for line := range strings.Lines(string(o.last[max(0, len(o.last)-lastSize):])) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "Run 'docker ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "; ")
}
