package term

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A JobRow is one job of a pipeline of the history.
type JobRow struct {
	Workflow, Name string
	Status         event.Status
	Reason         string
	Image          string
	Started, Ended time.Time
	Steps          []StepRow
}

// A StepRow is one step of a job of the history.
type StepRow struct {
	Node           int // the container among a job's parallel ones, from 0
	Number         int
	Name           string
	Status         event.Status
	ExitCode       int // meaningful where HasExit
	HasExit        bool
	Reason         string
	Started, Ended time.Time
}

// Shown is a pipeline to be shown.
type Shown struct {
	Pipeline PipelineRow
	Jobs     []JobRow
	Warnings []string
}

// Show writes one pipeline with its jobs and their steps, and what it warned
// of. Where the theme is no terminal, each step, and each job without steps, is
// a line of tab-separated values: workflow, job, status of the job, its
// seconds, node, step, name, status, exit code, seconds; warnings then go to
// aside.
func Show(w, aside io.Writer, s Shown, theme Theme, now time.Time) error {
	if theme.Size == nil {
		for _, text := range s.Warnings {
			fmt.Fprintf(aside, "warning: %s\n", clean(text))
		}
		return showRaw(w, s.Jobs, now)
	}
	p, jobs := s.Pipeline, s.Jobs
	out := bufio.NewWriter(w)
	v := showView{theme, theme.columns(), now}
	out.WriteString(strings.Join(v.head(p), "\n") + "\n")
	workflow := ""
	for _, j := range jobs {
		if j.Workflow != workflow {
			workflow = j.Workflow
			out.WriteString("\n" + theme.paint(bold, clean(workflow)) + "\n")
		}
		out.WriteString(strings.Join(v.job(j), "\n") + "\n")
	}
	for i, text := range s.Warnings {
		if i == 0 {
			out.WriteString("\n")
		}
		out.WriteString(strings.Join(theme.hang(yellow, clean(text), theme.paint(yellow, "!")+" ", "  ", v.columns), "\n") + "\n")
	}
	return out.Flush()
}

func showRaw(w io.Writer, jobs []JobRow, now time.Time) error {
	t := &table{}
	raw := func(values ...any) {
		cells := make([]cell, len(values))
		for i, v := range values {
			cells[i].raw = fmt.Sprint(v)
		}
		t.add(cells...)
	}
	for _, j := range jobs {
		took := seconds(span(j.Started, j.Ended, now))
		for _, s := range j.Steps {
			exit := ""
			if s.HasExit {
				exit = fmt.Sprint(s.ExitCode)
			}
			raw(j.Workflow, j.Name, j.Status, took, s.Node, s.Number, s.Name, s.Status, exit, seconds(span(s.Started, s.Ended, now)))
		}
		if len(j.Steps) == 0 {
			raw(j.Workflow, j.Name, j.Status, took, "", "", "", "", "", "")
		}
	}
	return t.writeRaw(w)
}

// A showView is a pipeline of the history on its way to the terminal.
type showView struct {
	Theme
	columns int
	now     time.Time
}

// head is what there is to say of the pipeline as a whole.
func (v showView) head(p PipelineRow) []string {
	text := fmt.Sprintf("#%d %s %s %s", p.Number, clean(p.Repo), clean(p.Branch), revision(p.Commit, p.Dirty))
	lines := v.hang(bold, strings.Join(strings.Fields(text), " "), v.mark(p.Status)+" ", "  ", v.columns)
	if p.Subject != "" {
		lines = append(lines, v.hang(normal, clean(p.Subject), "  ", "  ", v.columns)...)
	}
	how := word(p.Status) + " in " + Duration(span(p.Started, p.Ended, v.now))
	if p.Ended.IsZero() {
		how = word(p.Status) + " for " + elapsed(span(p.Started, p.Ended, v.now))
	}
	if p.Reason != "" {
		how += ": " + clean(p.Reason)
	}
	return append(lines, v.hang(faint, how+", started "+Age(p.Started, v.now), "  ", "  ", v.columns)...)
}

// job is a job and its steps.
func (v showView) job(j JobRow) []string {
	lines := []string{v.row("  ", j.Status, clean(j.Name), j.fate(), j.Started, j.Ended)}
	nodes := 0
	for _, s := range j.Steps {
		nodes = max(nodes, s.Node)
	}
	for _, s := range j.Steps {
		name := fmt.Sprintf("%2d %s", s.Number, clean(s.Name))
		if nodes > 0 {
			name = fmt.Sprintf("[%d] %s", s.Node, name)
		}
		lines = append(lines, v.row("    ", s.Status, name, s.fate(), s.Started, s.Ended))
	}
	return lines
}

// row is one line: a mark, a name, what went wrong, and the time at the right.
func (v showView) row(indent string, status event.Status, name, fate string, started, ended time.Time) string {
	if fate != "" {
		name += "  " + v.paint(tint(status), fate)
	}
	took := ""
	if !started.IsZero() {
		took = Duration(span(started, ended, v.now))
	}
	return v.spread(indent+v.mark(status)+" "+name, took, min(v.columns, widestRow))
}

// fate says what there is to say of how a job ended.
func (j JobRow) fate() string {
	switch {
	case j.Status == event.Success:
		return clean(j.Reason)
	case j.Reason != "":
		return word(j.Status) + ": " + clean(j.Reason)
	}
	return word(j.Status)
}

// fate says what there is to say of how a step ended.
func (s StepRow) fate() string {
	switch s.Status {
	case event.Success:
		return clean(s.Reason)
	case event.Running:
		return ""
	}
	past := step{status: s.Status, exitCode: s.ExitCode, hasExit: s.HasExit, reason: clean(s.Reason)}
	return past.outcome()
}
