package term

import (
	"fmt"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// failure tells all about a job that failed: for each guilty step its place,
// its outcome and its last lines, then the commands to go on with. It is
// empty for any other job.
func (t Theme) failure(r *run, j *job, columns int) []string {
	switch j.status {
	case event.Failed, event.TimedOut, event.InfrastructureFail:
	default:
		return nil
	}
	var lines []string
	for _, s := range j.culprits() {
		lines = append(lines, t.failedStep(r, j, s, columns)...)
	}
	if lines == nil { // it failed outside of any step
		lines = t.hang(bold, j.name+": "+j.why(), t.mark(j.status)+" ", "  ", columns)
	}
	if j.repro != "" {
		lines = append(lines, t.command("reproduce:", j.repro, columns)...)
	}
	return lines
}

// failedStep tells about one guilty step.
func (t Theme) failedStep(r *run, j *job, s *step, columns int) []string {
	where := r.label(j)
	if j.nodes() > 1 {
		where = fmt.Sprintf("%s[%d]", where, s.node)
	}
	text := fmt.Sprintf("%s: %s: %s", where, stepTitle(s), s.outcome())
	lines := t.hang(bold, text, t.mark(s.status)+" ", "  ", columns)
	if s.file != "" {
		lines = append(lines, "  "+t.paint(faint, fmt.Sprintf("%s:%d", s.file, s.line)))
	}
	bar := "  " + t.paint(faint, t.pick("│", "|")) + " "
	for _, line := range s.tail.lines(tailLines, t.Color) {
		lines = append(lines, bar+t.contained(line))
	}
	rest := fmt.Sprintf("popsicle logs %d --job %s --step %d", r.pipeline.Pipeline, quote(r.label(j)), s.number)
	return append(lines, t.command("read the rest:", rest, columns)...)
}

// command shows a command to be copied, on lines of its own where it does
// not fit beside its label. It is never cut: a terminal wraps it without
// putting a newline into the copy.
func (t Theme) command(label, command string, columns int) []string {
	var f filter
	lines := strings.Split(string(f.append(nil, command)), "\n")
	head := "  " + t.paint(faint, pad(label, len("read the rest:")))
	if one := head + "  " + lines[0]; len(lines) == 1 && (columns == 0 || width(one) <= columns) {
		return []string{one}
	}
	return append([]string{"  " + t.paint(faint, label)}, lines...)
}

// contained keeps the colours of a line from running out of it.
func (t Theme) contained(line string) string {
	if len(addColors(nil, []byte(line))) > 0 {
		return line + "\x1b[0m"
	}
	return line
}
