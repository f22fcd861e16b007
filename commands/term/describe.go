package term

import (
	"fmt"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// count says a number of things: "1 job", "3 jobs".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// short is the form of a commit or tree hash that people read.
func short(hash string) string { return hash[:min(7, len(hash))] }

// title says which run this is: "#12 owner/repo main 1a2b3c4+dirty".
func (r *run) title(t Theme) string {
	p := r.pipeline
	parts := []string{t.paint(bold, fmt.Sprintf("#%d", p.Pipeline))}
	for _, part := range []string{p.Repo, p.Branch, p.Tag} {
		if part != "" {
			parts = append(parts, clean(part))
		}
	}
	if commit := revision(p.Commit, r.tree.Dirty); commit != "" {
		parts = append(parts, t.paint(yellow, commit))
	}
	return strings.Join(parts, " ")
}

// revision is a commit as shown: "1a2b3c4", "1a2b3c4+dirty".
func revision(commit string, dirty bool) string {
	if dirty && commit != "" {
		return short(commit) + "+dirty"
	}
	return short(commit)
}

// verdict says how the run ended: "#12 failed in 3m04s: 1 failed, 3 passed".
func (r *run) verdict(t Theme) string {
	how := "in"
	if r.status == event.Canceled || r.status == event.Interrupted {
		how = "after"
	}
	text := fmt.Sprintf("#%d %s %s %s", r.pipeline.Pipeline, t.paint(bold+";"+tint(r.status), word(r.status)), how,
		Duration(span(r.started, r.ended, r.ended)))
	if r.reason != "" {
		text += ": " + r.reason
	}
	if counts := t.counts(tally(r.jobs)); counts != "" {
		text += t.paint(faint, " ("+counts+")")
	}
	return text
}

// byWeight is the order in which counts of jobs are told: what needs a look first.
var byWeight = [...]event.Status{
	event.InfrastructureFail, event.Failed, event.TimedOut, event.Canceled, event.Interrupted,
	event.OnHold, event.Running, event.Queued, event.NotRun, event.Success,
}

// counts says how many jobs are in which state: "1 failed, 3 passed".
func (t Theme) counts(n map[event.Status]int) string {
	var parts []string
	for _, s := range byWeight {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], word(s)))
		}
	}
	return strings.Join(parts, ", ")
}

// treeText says what is tested.
func treeText(e event.TreeRead) string {
	text := fmt.Sprintf("tree %s, %s", short(e.Tree), count(e.Files, "file"))
	if e.Dirty {
		text += ", not the commit's"
		if n := len(e.Changed); n > 0 {
			text += ": " + clean(strings.Join(e.Changed[:min(n, 3)], ", "))
		}
		if n := len(e.Changed); n > 3 {
			text += ", ..."
		}
	}
	if e.Unstable {
		text += " (files changed while it was read)"
	}
	return text
}

// readyText says what a job runs on.
func readyText(e event.JobReady) string {
	text := clean(e.Arch)
	if e.Emulated {
		text += " (emulated: slow)"
	}
	if e.User != "" {
		text += ", user " + clean(e.User)
	}
	if e.WorkDir != "" {
		text += ", " + clean(e.WorkDir)
	}
	return strings.TrimPrefix(text, ", ")
}

// stepTitle names a step by its place and its name.
func stepTitle(s *step) string {
	if s == nil {
		return "step"
	}
	title := fmt.Sprintf("step %d %s", s.number, s.name)
	if s.background {
		title += " (background)"
	}
	return title
}

// outcome says why a step did not pass.
func (s *step) outcome() string {
	switch {
	case s.reason != "":
		return s.reason
	case s.hasExit && s.status == event.Failed:
		return fmt.Sprintf("exit code %d", s.exitCode) + exitHint(s.exitCode)
	}
	return word(s.status)
}

// exitHint says what the exit codes mean that shells give a meaning.
func exitHint(code int) string {
	switch code {
	case 126:
		return " (not executable)"
	case 127:
		return " (command not found)"
	case 137:
		return " (killed; out of memory?)"
	case 139:
		return " (segmentation fault)"
	case 143:
		return " (terminated)"
	}
	return ""
}
