package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// schedules decodes the triggers of a workflow.
func (p *planner) schedules(triggers *tree.Node) []plan.Schedule {
	var all []plan.Schedule
	for _, t := range items(triggers) {
		schedule := t.Get("schedule")
		cron := schedule.Get("cron")
		if !cron.Scalar() {
			continue // the check of the workflow has said so
		}
		if wrong := wrongCron(cron.Text); wrong != "" {
			p.at(cron, fmt.Sprintf("the schedule %q: %s", cron.Text, wrong), "write minute, hour, day of month, month, day of week: 0 3 * * 1-5")
		}
		branches := schedule.Get("filters").Get("branches")
		p.filter(branches) // for the mistakes in its patterns
		all = append(all, plan.Schedule{Cron: cron.Text, Only: texts(branches.Get("only")), Ignore: texts(branches.Get("ignore")), Pos: cron.Pos()})
	}
	return all
}

// cronFields are the fields of a schedule with their first and last number.
var cronFields = []struct {
	name       string
	first, end int
	words      string
}{
	{"minute", 0, 59, ""}, {"hour", 0, 23, ""}, {"day of month", 1, 31, ""},
	{"month", 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"},
	{"day of week", 0, 7, "sun mon tue wed thu fri sat"},
}

// wrongCron says what is wrong with a schedule, "" if nothing is.
func wrongCron(text string) string {
	fields := strings.Fields(text)
	if len(fields) != len(cronFields) {
		return fmt.Sprintf("it has %d fields instead of %d", len(fields), len(cronFields))
	}
	for i, f := range cronFields {
		for _, part := range strings.Split(fields[i], ",") {
			if !validCron(part, f.first, f.end, strings.Fields(f.words)) {
				return fmt.Sprintf("%q is no %s", part, f.name)
			}
		}
	}
	return ""
}

// validCron checks one part of a field: *, a number or word, a range, each
// perhaps with /step.
func validCron(part string, first, end int, words []string) bool {
	part, step, stepped := strings.Cut(part, "/")
	if n, err := strconv.Atoi(step); stepped && (err != nil || n < 1) {
		return false
	}
	if part == "*" {
		return true
	}
	from, to, isRange := strings.Cut(part, "-")
	a, ok := cronNumber(from, first, words)
	b := a
	if isRange && ok {
		b, ok = cronNumber(to, first, words)
	}
	return ok && a >= first && b <= end && a <= b
}

func cronNumber(s string, first int, words []string) (int, bool) {
	for i, w := range words {
		if strings.EqualFold(s, w) {
			return first + i, true
		}
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}
