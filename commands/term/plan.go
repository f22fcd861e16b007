package term

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// Plan writes what a run of p would do: for each workflow its jobs in the
// order in which they can start, each with its images, what it waits for and
// its steps; then what filters left out and why, what nobody can know yet, and
// what popsicle does not carry out.
func Plan(w io.Writer, p *plan.Pipeline, theme Theme) error {
	out := bufio.NewWriter(w)
	v := planView{theme, theme.columns()}
	for i, flow := range p.Workflows {
		if i > 0 {
			out.WriteByte('\n')
		}
		v.write(out, v.workflow(flow))
	}
	for _, f := range p.Files {
		if f.Setup {
			out.WriteString("\n" + theme.paint(yellow, clean(f.Path)+" is a setup config: what follows is known once its jobs have run") + "\n")
		}
	}
	if len(p.Notes) > 0 {
		out.WriteString("\n" + theme.paint(bold, "not carried out here") + "\n")
		v.write(out, v.notes(p.Notes))
	}
	return out.Flush()
}

// A planView is a plan on its way to the terminal.
type planView struct {
	Theme
	columns int
}

func (v planView) write(out *bufio.Writer, lines []string) {
	for _, line := range lines {
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

func (v planView) workflow(flow *plan.Workflow) []string {
	lines := []string{v.paint(bold, clean(flow.Name)) + "  " + v.paint(faint, clean(flow.File))}
	for i, j := range inOrder(flow) {
		lines = append(lines, v.job(i+1, j)...)
	}
	for _, s := range flow.Skipped {
		lines = append(lines, v.skipped(flow, s, v.columns)...)
	}
	return lines
}

// job is one job of a plan: its headline, and its steps in a column by kind.
func (v planView) job(place int, j *plan.Job) []string {
	number := fmt.Sprintf("%3d  ", place)
	head := clean(j.Name)
	if facts := jobFacts(j); facts != "" {
		head += ": " + facts
	}
	lines := v.hang(normal, head, v.paint(faint, number), "     ", v.columns)
	lines[0] = strings.Replace(lines[0], clean(j.Name), v.paint(bold, clean(j.Name)), 1)
	if len(j.Requires) > 0 {
		lines = append(lines, v.hang(faint, requiresText(j), "     ", "       ", v.columns)...)
	}
	kinds := 0
	for _, s := range j.Steps {
		kinds = max(kinds, len(s.Do.StepKind()))
	}
	for _, s := range j.Steps {
		line := "       " + v.paint(cyan, pad(s.Do.StepKind(), kinds)) + "  " + v.step(s)
		lines = append(lines, v.truncate(line, v.columns))
	}
	return lines
}

// notes says what is not carried out. What is said of several places alike is
// said once, at the first.
func (v planView) notes(notes []plan.Note) []string {
	type saying struct{ key, text string }
	places := map[saying]int{}
	for _, n := range notes {
		places[saying{n.Key, n.Text}]++
	}
	var lines []string
	for _, n := range notes {
		s := saying{n.Key, n.Text}
		if places[s] == 0 { // said already
			continue
		}
		text := clean(fmt.Sprintf("%s %s: %s", n.Pos, n.Key, n.Text))
		if more := places[s] - 1; more > 0 {
			text += fmt.Sprintf(" (and at %s more)", count(more, "place"))
		}
		delete(places, s)
		lines = append(lines, v.hang(normal, text, "  "+v.paint(yellow, "!")+" ", "    ", v.columns)...)
	}
	return lines
}

// jobFacts says in short what a job runs on.
func jobFacts(j *plan.Job) string {
	var facts []string
	if len(j.Images) == 0 {
		facts = append(facts, string(j.Kind))
	}
	for i, image := range j.Images {
		name := clean(image.Name)
		if i > 0 {
			name = "with " + name
		}
		facts = append(facts, name)
	}
	if j.Parallelism > 1 {
		facts = append(facts, fmt.Sprintf("%d nodes", j.Parallelism))
	}
	if len(j.Contexts) > 0 {
		facts = append(facts, "contexts "+clean(strings.Join(j.Contexts, ", ")))
	}
	if j.SerialGroup != "" {
		facts = append(facts, "one at a time in "+clean(j.SerialGroup))
	}
	return strings.Join(facts, ", ")
}

// requiresText says what a job waits for: "after build, lint (failed)". Only
// what is not plain success is spelled out.
func requiresText(j *plan.Job) string {
	var names []string
	for _, r := range j.Requires {
		names = append(names, clean(r.Job)+unusual(r))
	}
	return "after " + strings.Join(names, ", ")
}

// unusual spells out the statuses of a requirement that asks for more or
// other than success.
func unusual(r plan.Require) string {
	if len(r.Statuses) == 0 || len(r.Statuses) == 1 && r.Statuses[0] == string(event.Success) {
		return ""
	}
	return " (" + strings.Join(r.Statuses, " or ") + ")"
}

// step says what a step does, without its kind.
func (v planView) step(s plan.Step) string {
	text := actionText(s.Do)
	if name := clean(s.Name); name != "" && name != text && name != s.Do.StepKind() {
		text = strings.TrimRight(name+"  "+v.paint(faint, text), " ")
	}
	if s.When != "" && s.When != plan.OnSuccess {
		text += v.paint(yellow, fmt.Sprintf(" [%s]", s.When))
	}
	if run, ok := s.Do.(plan.Run); ok && run.Background {
		text += v.paint(yellow, " [background]")
	}
	return text
}

// actionText is what an action works on, in one line.
func actionText(a plan.Action) string {
	switch a := a.(type) {
	case plan.Run:
		return firstLine(a.Command)
	case plan.Checkout:
		return clean(a.Path)
	case plan.SaveCache:
		return clean(a.Key + ": " + strings.Join(a.Paths, ", "))
	case plan.RestoreCache:
		return clean(strings.Join(a.Keys, ", "))
	case plan.PersistToWorkspace:
		return clean(a.Root + ": " + strings.Join(a.Paths, ", "))
	case plan.AttachWorkspace:
		return clean(a.At)
	case plan.StoreArtifacts:
		return clean(a.Path)
	case plan.StoreTestResults:
		return clean(a.Path)
	case plan.AddSSHKeys:
		return clean(strings.Join(a.Fingerprints, ", "))
	case plan.SetupRemoteDocker:
		return clean(a.Version)
	}
	return ""
}

// firstLine is a command in one line, with how many lines follow.
func firstLine(command string) string {
	lines := strings.Split(strings.TrimSpace(command), "\n")
	if len(lines) == 1 {
		return clean(lines[0])
	}
	return fmt.Sprintf("%s (and %s)", clean(lines[0]), count(len(lines)-1, "line"))
}
