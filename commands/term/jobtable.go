package term

import (
	"fmt"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// jobTable lists the jobs of a run that has ended, by workflow, each with
// its time and, where it did not pass, the reason. Of a run of many jobs,
// those that passed, and others of which there are many alike, are only
// counted; never those that failed.
func (t Theme) jobTable(r *run, columns int) []string {
	var lines []string
	for _, jobs := range r.workflows() {
		lines = append(lines, t.paint(bold, jobs[0].workflow))
		fold := map[event.Status]int{}
		if len(r.jobs) > foldPassed {
			fold = folded(jobs)
		}
		names, times := 0, 0
		for _, j := range jobs {
			if fold[j.status] == 0 {
				names, times = max(names, width(j.name)), max(times, width(j.time()))
			}
		}
		for _, j := range jobs {
			if fold[j.status] == 0 {
				lines = append(lines, t.jobRow(j, names, times, columns)...)
			}
		}
		for _, s := range byWeight {
			if n := fold[s]; n > 0 {
				lines = append(lines, "  "+t.mark(s)+" "+t.paint(faint, count(n, "job")+" "+word(s)))
			}
		}
	}
	return lines
}

// folded counts the jobs in the states that are only counted.
func folded(jobs []*job) map[event.Status]int {
	fold := tally(jobs)
	for s, n := range fold {
		bad := s == event.Failed || s == event.TimedOut || s == event.InfrastructureFail
		if bad || s != event.Success && n <= foldAlike {
			delete(fold, s)
		}
	}
	return fold
}

// jobRow is one job of the table. The reason takes lines of its own where
// there is not room for it beside the time.
func (t Theme) jobRow(j *job, names, times, columns int) []string {
	if columns > 0 {
		names = min(names, max(columns-times-6, 8))
	}
	name := pad(t.truncate(j.name, names), names)
	row := "  " + t.mark(j.status) + " " + name + "  " + padLeft(j.time(), times)
	why := j.why()
	if why == "" {
		return []string{strings.TrimRight(row, " ")} // what was approved took no time
	}
	if columns == 0 || width(row)+2+width(why) <= columns {
		return []string{row + "  " + t.paint(tint(j.status), why)}
	}
	lines := []string{strings.TrimRight(row, " ")}
	for _, line := range wrap(why, max(columns-4, 16)) {
		lines = append(lines, "    "+t.paint(tint(j.status), line))
	}
	return lines
}

// time is how long the job took; empty for one that did not start.
func (j *job) time() string {
	if j.started.IsZero() {
		return ""
	}
	return Duration(j.took(j.ended))
}

// why says in short why the job did not pass, or did without being run.
func (j *job) why() string {
	if j.status == event.Success {
		return j.reason
	}
	text := word(j.status)
	if bad := j.culprits(); len(bad) > 0 {
		text += fmt.Sprintf(" at step %d %s", bad[0].number, bad[0].name)
		if n := j.badNodes(); j.nodes() > 1 {
			text += fmt.Sprintf(" on %d of %d nodes", n, j.nodes())
		}
	} else if j.reason != "" {
		text += ": " + j.reason
	}
	if j.again {
		text += ", run again"
	}
	return text
}

// skipped says what was left out of a workflow before it began, and why.
func (t Theme) skipped(w *plan.Workflow, s plan.Skipped, columns int) []string {
	name := s.Job
	if name == "" {
		name = "workflow " + w.Name
	}
	return t.hang(faint, clean(name+" skipped: "+s.Reason), "  "+t.mark(event.Skipped)+" ", "    ", columns)
}
