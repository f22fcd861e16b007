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
	f := failures{t, r, quoted(len(bad)), columns, len(bad) == 1 && r.pipeline.Trigger == "cli"}
	var blocks [][]string
	for _, j := range bad {
		blocks = append(blocks, f.job(j))
	}
	if len(bad) > 1 && r.pipeline.Trigger == "cli" {
		blocks = append(blocks, f.command("run again:", fmt.Sprintf("popsicle rerun %d --failed", r.pipeline.Pipeline), columns))
	}
	return blocks
}

// failures is what telling about each failure needs.
type failures struct {
	Theme
	run     *run
	quoted  int
	columns int
	alone   bool // one job failed, of a run that its reader asked for
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
	if j.kept {
		lines = append(lines, f.command("look inside:", f.about("shell", j), f.columns)...)
	}
	if f.alone {
		lines = append(lines, f.command("run again:", f.again(j), f.columns)...)
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

// about is a command of popsicle's about a job.
func (f failures) about(command string, j *job) string {
	return fmt.Sprintf("popsicle %s %d %s", command, f.run.pipeline.Pipeline, quote(j.name))
}

// again is the command that repeats the least: where the container is kept,
// from the step that failed.
func (f failures) again(j *job) string {
	if bad := j.culprits(); j.kept && len(bad) > 0 {
		return fmt.Sprintf("%s --from-step %d", f.about("rerun", j), bad[0].number)
	}
	return fmt.Sprintf("popsicle rerun %d --failed", f.run.pipeline.Pipeline)
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
