package term

import (
	"fmt"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// quoted is how many lines of output each failure is shown with: where many
// jobs failed, the list of them must not drown.
func quoted(failures int) int {
	switch {
	case failures <= 3:
		return tailLines
	case failures <= 10:
		return 5
	}
	return 0
}

// failures tells about every job that failed, a block of lines each: of one
// that was run again, about its last run.
func (t Theme) failures(r *run, columns int) [][]string {
	var bad []*job
	for _, j := range r.jobs {
		if j.again {
			continue
		}
		switch j.status {
		case event.Failed, event.TimedOut, event.InfrastructureFail:
			bad = append(bad, j)
		}
	}
	f := failures{t, r, quoted(len(bad)), columns}
	var blocks [][]string
	for _, j := range bad {
		blocks = append(blocks, f.job(j))
	}
	return blocks
}

// failures is what telling about each failure needs.
type failures struct {
	Theme
	run     *run
	quoted  int
	columns int
}

// job tells about one job: for each guilty step its place, its outcome and
// its last lines, then the commands to go on with.
func (f failures) job(j *job) []string {
	var lines []string
	for _, s := range j.culprits() {
		lines = append(lines, f.step(j, s)...)
	}
	if lines == nil { // it failed outside of any step
		lines = f.hang(bold, f.run.label(j)+": "+j.why(), f.mark(j.status)+" ", "  ", f.columns)
		lines = append(lines, f.command("read the rest:", f.logs(f.run.label(j)), f.columns)...)
	}
	if j.repro != "" {
		lines = append(lines, f.command("reproduce:", j.repro, f.columns)...)
	}
	return lines
}

// step tells about one guilty step.
func (f failures) step(j *job, s *step) []string {
	where := f.run.labelOf(j, s)
	lines := f.hang(bold, fmt.Sprintf("%s: %s: %s", where, stepTitle(s), s.outcome()), f.mark(s.status)+" ", "  ", f.columns)
	if s.file != "" {
		lines = append(lines, "  "+f.paint(faint, fmt.Sprintf("%s:%d", s.file, s.line)))
	}
	bar := "  " + f.paint(faint, f.pick("│", "|")) + " "
	for _, line := range s.tail.lines(f.quoted, f.Color) {
		lines = append(lines, bar+f.contained(line))
	}
	rest := fmt.Sprintf("%s --step %d", f.logs(where), s.number)
	return append(lines, f.command("read the rest:", rest, f.columns)...)
}

// logs is the command that prints the log of a job, or of one node of it.
func (f failures) logs(name string) string {
	return fmt.Sprintf("popsicle logs %d --job %s", f.run.pipeline.Pipeline, quote(name))
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
