package term

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// flushAfter is how long output may wait in the buffer, and the beginning of
// a line for its end.
const flushAfter = 50 * time.Millisecond

// longestPrefix is where the column of job names stops growing.
const longestPrefix = 32

// A Plain is a Sink that prints a run as it happens, one line an event and
// one a line of output, each behind the name of its job:
//
//	build | ok   example.com/x  0.01s
//	build ✓ step 3 go test  4.2s
//
// With several workflows the name is workflow/job, and job[1] is the second
// of several nodes. The beginning of a line, a prompt say, is shown after
// 50 ms. When another job writes before that line ends, the rest of it
// follows behind a mark of continuation: "build |… rest". Colours in output
// are kept where the theme has colours; all other escape sequences, and
// without colours these too, are taken out. Of what a progress bar
// overwrites, only the state at the end of a line or of a pause is printed.
type Plain struct {
	theme Theme

	mu      sync.Mutex
	w       *bufio.Writer
	now     func() time.Time
	run     *run
	sources map[origin]*source
	waiting []*source       // whose line has not ended and is not all on the screen
	open    *source         // whose unended line stands at the bottom of the screen
	names   map[node]string // the prefixes
	column  int             // the width of the longest name
	scratch []byte
	timer   *time.Timer
	armed   bool
}

// NewPlain returns a Plain that prints to w.
func NewPlain(w io.Writer, theme Theme) *Plain {
	return &Plain{
		theme: theme, w: bufio.NewWriterSize(w, 64<<10), now: time.Now,
		run: newRun(), sources: map[origin]*source{}, names: map[node]string{},
	}
}

// Handle prints e. The error is that of the writer; after the first, nothing
// more is printed.
func (p *Plain) Handle(e event.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if out, ok := e.(event.Output); ok {
		p.output(out)
		return p.flushSoon()
	}
	p.run.apply(e)
	p.finish(e)
	text := p.describe(e)
	if text == "" {
		return nil
	}
	p.say(e.Where(), text)
	if f, ok := e.(event.JobFinished); ok {
		p.wholeJob(f)
	}
	if _, last := e.(event.PipelineFinished); last {
		return p.w.Flush() // a summary may follow on the same writer
	}
	return p.flushSoon()
}

// Close prints what still waits.
func (p *Plain) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.waiting {
		p.end(s)
	}
	p.waiting = nil
	p.closeLine()
	if p.timer != nil {
		p.timer.Stop()
	}
	return p.w.Flush()
}

// say prints a line about a job, or one node of it.
func (p *Plain) say(at event.At, text string) {
	p.closeLine()
	p.w.WriteString(p.prefix(at))
	p.w.WriteString(text)
	p.w.WriteByte('\n')
}

// wholeJob tells the end of a job after that of its last node, where it has
// several.
func (p *Plain) wholeJob(e event.JobFinished) {
	if j := p.run.job(e.At); j.nodes() > 1 && j.status.Ended() {
		e.Node = whole
		p.say(e.At, p.jobEnd(j))
	}
}

// flushSoon arms the timer that shows what is in the buffer.
func (p *Plain) flushSoon() error {
	if !p.armed {
		p.armed = true
		if p.timer == nil {
			p.timer = time.AfterFunc(flushAfter, p.tick)
		} else {
			p.timer.Reset(flushAfter)
		}
	}
	_, err := p.w.Write(nil) // tells a failure of an earlier write
	return err
}

// tick shows the beginnings of lines that have waited long enough, and
// empties the buffer.
func (p *Plain) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = false
	p.showParts(p.now())
	_ = p.w.Flush() // bufio remembers: the next Handle returns it
	if len(p.waiting) > 0 {
		_ = p.flushSoon()
	}
}

// A node is one container of a job, where the job has several.
type node struct{ job, index int }

// whole stands for all nodes of a job.
const whole = -1

// prefix is the name of the job that at names, filled up to the column of
// names.
func (p *Plain) prefix(at event.At) string {
	if at.JobID == 0 {
		return ""
	}
	n := node{at.JobID, at.Node}
	name, known := p.names[n]
	if !known {
		name = p.theme.paint(hue(at.JobID), pad(p.label(n), p.nameColumn())) + " "
		p.names[n] = name
	}
	return name
}

// label is the name of a job, or of one node of it where it has several.
func (p *Plain) label(n node) string {
	j := p.run.byID[n.job]
	if n.index >= 0 && j.nodes() > 1 {
		return fmt.Sprintf("%s[%d]", p.run.label(j), n.index)
	}
	return p.run.label(j)
}

// nameColumn is the width of the column of names. It is settled when the
// first name is printed: all jobs are announced before that.
func (p *Plain) nameColumn() int {
	if p.column == 0 {
		for _, j := range p.run.jobs {
			last := node{j.id, j.nodes() - 1}
			p.column = min(max(p.column, width(p.label(last))), longestPrefix)
		}
	}
	return p.column
}

// hue is the colour of a job's name. Red is left to failures, green to what
// passed.
func hue(jobID int) style {
	return [...]style{cyan, "35", "34", yellow, "36;2", "35;2"}[jobID%6]
}

// describe says an event in a line, without the prefix; empty for those that
// are not worth one.
func (p *Plain) describe(e event.Event) string {
	switch e := e.(type) {
	case event.PipelineStarted:
		return p.run.title(p.theme) + fmt.Sprintf("  %s", count(e.Jobs, "job"))
	case event.TreeRead:
		return p.theme.paint(faint, treeText(e))
	case event.JobStarted:
		return p.started(e)
	case event.JobHeld:
		return p.theme.mark(event.OnHold) + " " + p.theme.paint(yellow, "waits for: "+p.run.approve(p.run.job(e.At)))
	case event.JobReady:
		return p.theme.paint(faint, "- "+readyText(e))
	case event.StepStarted:
		return p.theme.paint(bold, p.theme.pick("▸ ", "> ")+stepTitle(p.run.job(e.At).step(e.At)))
	case event.StepFinished:
		return p.stepEnd(e)
	case event.JobFinished:
		return p.nodeEnd(e)
	case event.WorkflowFinished:
		return p.theme.mark(e.Status) + " workflow " + clean(e.Workflow) + " " + word(e.Status)
	case event.PipelineFinished:
		return p.theme.mark(e.Status) + fmt.Sprintf(" pipeline #%d %s", e.Pipeline, word(e.Status))
	case event.Message:
		return p.message(e)
	}
	return ""
}

// started says what a job runs in, and where, if it could be elsewhere.
func (p *Plain) started(e event.JobStarted) string {
	where := clean(p.run.job(e.At).queued.Image)
	if e.Runner != "" {
		where += "  on " + clean(e.Runner)
	}
	return strings.TrimRight(p.theme.mark(event.Running)+" started  "+p.theme.paint(faint, where), " ")
}

func (p *Plain) stepEnd(e event.StepFinished) string {
	s := p.run.job(e.At).step(e.At)
	if s == nil {
		return ""
	}
	text := p.theme.mark(s.status) + " " + stepTitle(s)
	if !s.status.Passed() {
		text += ": " + p.theme.paint(tint(s.status), s.outcome())
	} else if s.status == event.Success && s.reason != "" {
		text += ": " + s.reason
	}
	return text + p.theme.paint(faint, "  "+Duration(s.took(e.Time)))
}

// nodeEnd says how a node of a job ended; nothing of one among several that
// never started.
func (p *Plain) nodeEnd(e event.JobFinished) string {
	j := p.run.job(e.At)
	if j.nodes() == 1 {
		return p.jobEnd(j)
	}
	started, ran := j.starts[e.Node]
	if !ran {
		return ""
	}
	one := job{status: e.Status, reason: clean(e.Reason), started: started, ended: e.Time}
	return p.jobEnd(&one)
}

func (p *Plain) jobEnd(j *job) string {
	text := p.theme.mark(j.status) + " " + p.theme.paint(tint(j.status), word(j.status))
	if !j.started.IsZero() {
		text += p.theme.paint(faint, "  "+Duration(j.took(j.ended)))
	}
	if j.reason != "" {
		text += ": " + j.reason
	}
	return text
}

func (p *Plain) message(e event.Message) string {
	text := strings.TrimSpace(clean(e.Text))
	if e.Level == event.Warning {
		return p.theme.paint(yellow, "! "+text)
	}
	return p.theme.paint(faint, "- "+text)
}
