package term

import (
	"bufio"
	"io"
	"strings"
	"sync"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// foldPassed is how many jobs a summary may have before those that passed
// are only counted, and foldAlike how many then may be in another state
// before they are too.
const (
	foldPassed = 40
	foldAlike  = 10
)

// A Summary is a Sink that is silent until the pipeline has ended, and then
// prints what is worth knowing: the jobs with their times, the critical
// path, and of each failure the step, the last lines of its output and the
// commands that read the rest and repeat it.
type Summary struct {
	Plan     *plan.Pipeline // where it says what was left out; may be nil
	OmitJobs bool           // the list of jobs stands on the screen already

	w     io.Writer
	theme Theme
	mu    sync.Mutex
	run   *run
}

// NewSummary returns a Summary that prints to w.
func NewSummary(w io.Writer, theme Theme) *Summary {
	return &Summary{w: w, theme: theme, run: newRun()}
}

// Handle takes e in, and prints the summary when e is the end.
func (s *Summary) Handle(e event.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if out, ok := e.(event.Output); ok {
		if j := s.run.job(out.At); j != nil {
			j.write(out)
		}
		return nil
	}
	s.run.apply(e)
	if _, ended := e.(event.PipelineFinished); !ended {
		return nil
	}
	w := bufio.NewWriter(s.w)
	s.print(w)
	return w.Flush()
}

// print writes the whole summary.
func (s *Summary) print(w *bufio.Writer) {
	block := func(lines []string) {
		if len(lines) > 0 {
			w.WriteString("\n" + strings.Join(lines, "\n") + "\n")
		}
	}
	columns := s.theme.columns()
	var jobs []string
	if !s.OmitJobs {
		jobs = s.theme.jobTable(s.run, columns)
	}
	block(append(jobs, s.skipped(columns)...))
	block(s.critical(columns))
	for _, lines := range s.theme.failures(s.run, columns) {
		block(lines)
	}
	block(s.theme.failedTests(s.run, columns))
	block(s.theme.kept(s.run, columns))
	block(s.theme.hang(normal, s.run.verdict(s.theme), s.theme.mark(s.run.status)+" ", "  ", columns))
}

// skipped lists what filters and conditions have left out.
func (s *Summary) skipped(columns int) []string {
	if s.Plan == nil {
		return nil
	}
	var lines []string
	for _, w := range s.Plan.Workflows {
		for _, skip := range w.Skipped {
			lines = append(lines, s.theme.skipped(w, skip, columns)...)
		}
	}
	return lines
}

// critical says which jobs the time went to; nothing when a single one did
// it all, or when the run was cut short. Jobs of less than a hundredth of the
// time are left out.
func (s *Summary) critical(columns int) []string {
	chain, took := s.run.criticalPath()
	if len(chain) < 2 || s.run.status == event.Canceled || s.run.status == event.Interrupted {
		return nil
	}
	var links []string
	for _, j := range chain {
		if d := j.took(j.ended); d >= took/100 {
			links = append(links, s.run.label(j)+" "+Duration(d))
		}
	}
	text := "critical path " + Duration(took) + ": " + strings.Join(links, s.theme.pick(" → ", " -> "))
	return s.theme.hang(normal, text, "", "  ", columns)
}

// hang wraps text in a style; first stands before its first line, rest
// before the others.
func (t Theme) hang(s style, text, first, rest string, columns int) []string {
	room := 0
	if columns > 0 {
		room = max(columns-max(width(first), width(rest)), 16)
	}
	lines := wrap(text, room)
	for i, line := range lines {
		lines[i] = rest + t.paint(s, line)
	}
	lines[0] = first + lines[0][len(rest):]
	return lines
}
