package term

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A PipelineRow is one pipeline of the history.
type PipelineRow struct {
	Number         int64
	Status         event.Status
	Reason         string
	Repo           string
	Branch         string // or the tag
	Commit         string // full SHA; empty before the first commit
	Subject        string
	Dirty          bool // what was tested is not the commit's tree
	Started, Ended time.Time
	Jobs           map[event.Status]int // how many are in each state
}

// History writes a table of pipelines, in the order given. The repository
// has a column only where rows differ in it. Where the theme is no terminal,
// each row is a line of tab-separated values: number, status, repository,
// branch, commit with +dirty, seconds, start (RFC 3339), jobs.
func History(w io.Writer, rows []PipelineRow, theme Theme, now time.Time) error {
	t := &table{columns: []column{
		{title: "#", right: true}, {tight: true}, {title: "status", weak: 2}, {title: "repo", least: 12, weak: 4}, {title: "branch", least: 8},
		{title: "commit", least: 7}, {title: "took", right: true, weak: 3}, {title: "age", right: true}, {title: "jobs", weak: 1},
	}}
	for _, r := range rows {
		t.add(r.cells(theme, now)...)
	}
	if theme.Size != nil && oneRepo(rows) {
		t.drop(3)
	}
	if theme.Size == nil {
		t.drop(1)
	}
	return t.write(w, theme)
}

func oneRepo(rows []PipelineRow) bool {
	for _, r := range rows {
		if r.Repo != rows[0].Repo {
			return false
		}
	}
	return true
}

func (r PipelineRow) cells(theme Theme, now time.Time) []cell {
	took := span(r.Started, r.Ended, now)
	commit := revision(r.Commit, r.Dirty)
	full := r.Commit
	if r.Dirty {
		full += "+dirty"
	}
	number := fmt.Sprint(r.Number)
	return []cell{
		{text: number, raw: number, style: bold},
		{text: theme.symbol(r.Status), style: tint(r.Status)},
		{text: word(r.Status), raw: string(r.Status), style: tint(r.Status)},
		{text: r.Repo, raw: r.Repo},
		{text: r.Branch, raw: r.Branch, style: cyan},
		{text: commit, raw: full, style: yellow},
		{text: Duration(took), raw: seconds(took)},
		{text: Age(r.Started, now), raw: stamp(r.Started), style: faint},
		{text: theme.jobCounts(r.Jobs), raw: rawCounts(r.Jobs)},
	}
}

// jobCounts says how many jobs are in which state, by symbols: "5 ✓ 1 ✗".
func (t Theme) jobCounts(jobs map[event.Status]int) string {
	var parts []string
	for i := len(byWeight) - 1; i >= 0; i-- {
		if n := jobs[byWeight[i]]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, t.symbol(byWeight[i])))
		}
	}
	return strings.Join(parts, " ")
}

// rawCounts is jobCounts for programs: "failed:1 success:5".
func rawCounts(jobs map[event.Status]int) string {
	var parts []string
	for _, s := range byWeight {
		if jobs[s] > 0 {
			parts = append(parts, fmt.Sprintf("%s:%d", s, jobs[s]))
		}
	}
	return strings.Join(parts, " ")
}

// seconds is a duration for programs.
func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// stamp is a time for programs; empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
