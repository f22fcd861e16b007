package term

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// mostTail is how many lines of output a running job is shown with.
const mostTail = 8

// widestRow is where a row stops growing: on a very wide terminal the eye
// would not find from a name to its time. Output may be wider.
const widestRow = 100

// frame is the tree of a run as it stands at a time: a function of its
// arguments alone. It has at most rows-1 lines, so that the cursor can rest
// below, of at most columns-1.
func (t Theme) frame(r *run, columns, rows int, now time.Time) []string {
	f := frame{t, r, max(min(columns-1, widestRow), 1), max(columns-1, 1), now}
	room := max(rows-1, 1)
	foot := f.foot()
	if room < 3 {
		return []string{foot}
	}
	lines := []string{t.truncate(r.title(t), f.columns)}
	lines = append(lines, f.body(room-2)...)
	return append(lines, foot)
}

// lastFrame is what stays on the screen: all that a summary tells of jobs.
func (t Theme) lastFrame(r *run, columns int) []string {
	return append([]string{r.title(t)}, t.jobTable(r, columns-1)...)
}

// notice says a message that stays.
func (t Theme) notice(r *run, e event.Message) []string {
	text, mark, color := clean(e.Text), "- ", normal
	if j := r.job(e.At); j != nil {
		text = r.label(j) + ": " + text
	}
	if e.Level == event.Warning {
		mark, color = "! ", yellow
	}
	return t.hang(color, text, t.paint(color, mark), "  ", t.columns()-1)
}

// A frame is what its lines are made from.
type frame struct {
	Theme
	run     *run
	columns int // of a row
	screen  int // of a line of output
	now     time.Time
}

// foot counts the jobs and tells the time.
func (f frame) foot() string {
	return f.spread(f.paint(faint, f.counts(tally(f.run.jobs))), elapsed(span(f.run.started, f.run.ended, f.now)), f.columns)
}

// body is the workflows with their jobs. Where there is not room for all,
// those that matter most are shown and the others counted. Running jobs show
// the end of their output where there is room for it.
func (f frame) body(room int) []string {
	groups := f.run.workflows()
	if len(f.run.jobs)+len(groups) <= room {
		return f.tree(groups, room-len(f.run.jobs)-len(groups), true)
	}
	heads := len(groups) > 1
	shown, left := f.choose(room-1, heads)
	hidden := slices.DeleteFunc(slices.Clone(f.run.jobs), func(j *job) bool { return shown[j] })
	for i, jobs := range groups {
		groups[i] = slices.DeleteFunc(jobs, func(j *job) bool { return !shown[j] })
	}
	rest := "  " + f.paint(faint, f.pick("… ", "... ")+f.counts(tally(hidden)))
	return append(f.tree(groups, left, heads), f.truncate(rest, f.columns))
}

// choose picks the jobs that there is room for, and says what room is left:
// first what runs and what failed, in turn; half of what is then left goes to
// what waits and the rest, the other half to the output of what runs.
func (f frame) choose(room int, heads bool) (shown map[*job]bool, left int) {
	ranked := slices.Clone(f.run.jobs)
	rank := ranks(ranked)
	slices.SortStableFunc(ranked, func(a, b *job) int { return rank[a] - rank[b] })
	shown, headed := map[*job]bool{}, map[string]bool{}
	idle := false
	for _, j := range ranked {
		if !idle && rank[j] >= len(ranked) && len(shown) > 0 {
			idle, left = true, room/2
			room -= left
		}
		cost := 1
		if heads && !headed[j.workflow] {
			cost++
		}
		if room < cost {
			break
		}
		room -= cost
		headed[j.workflow], shown[j] = true, true
	}
	return shown, left + room
}

// ranks says how early each job is shown. The second failed job comes after
// the first running one, and so on: neither hides the other.
func ranks(jobs []*job) map[*job]int {
	rank, place := map[*job]int{}, map[event.Status]int{}
	for _, j := range jobs {
		switch j.status {
		case event.Queued:
			rank[j] = len(jobs)
		case event.NotRun, event.Canceled, event.Interrupted:
			rank[j] = len(jobs) + 1
		case event.Success:
			rank[j] = len(jobs) + 2
		default:
			rank[j] = place[j.status]
			place[j.status]++
		}
	}
	return rank
}

// tree is the lines of groups of jobs; room is what there is for output.
func (f frame) tree(groups [][]*job, room int, heads bool) []string {
	var lines []string
	names, running := 0, 0
	for _, j := range slices.Concat(groups...) {
		names = max(names, width(j.name))
		if j.status == event.Running {
			running++
		}
	}
	names = min(names, max(f.columns*2/5, 8))
	for _, jobs := range groups {
		if heads && len(jobs) > 0 {
			lines = append(lines, f.truncate(f.paint(bold, jobs[0].workflow), f.columns))
		}
		for _, j := range jobs {
			lines = append(lines, f.row(j, names))
			if j.status == event.Running {
				tail := f.tail(j, min(room/running, mostTail))
				lines, room, running = append(lines, tail...), room-len(tail), running-1
			}
		}
	}
	return lines
}

// row is the line of one job.
func (f frame) row(j *job, names int) string {
	name := pad(f.truncate(j.name, names), names)
	if j.status.Passed() || j.status == event.Queued {
		name = f.paint(faint, name)
	}
	left := "  " + f.mark(j.status) + " " + name + "  " + f.detail(j)
	return f.spread(left, f.clock(j), f.columns)
}

// clock is the time of a job: still running, or what it took.
func (f frame) clock(j *job) string {
	switch {
	case j.started.IsZero():
		return ""
	case j.status.Ended():
		return f.paint(faint, Duration(j.took(f.now)))
	}
	return elapsed(j.took(f.now))
}

// detail says what a job does, waits for, or died of.
func (f frame) detail(j *job) string {
	switch {
	case j.status == event.Success:
		return ""
	case j.status == event.Queued:
		return f.paint(faint, f.waits(j))
	case j.status == event.OnHold:
		if f.run.asked == j.id {
			return f.paint(yellow, "approve? y or n")
		}
		return f.paint(yellow, "waits for: "+f.run.approve(j))
	case j.status.Ended():
		return f.paint(tint(j.status), j.why())
	case j.note != "":
		return f.paint(faint, j.note)
	}
	text := "starting"
	if s := j.current(); s != nil {
		text = stepTitle(s)
		if j.nodes() > 1 {
			text = fmt.Sprintf("[%d] %s", s.node, text)
		}
	}
	if j.nodes() > 1 {
		text = f.progress(j) + ", " + text
	} else if j.runner != "" {
		text = f.paint(faint, "on "+j.runner+": ") + text
	}
	return text
}

// progress says how far the nodes of a job are.
func (f frame) progress(j *job) string {
	text := count(j.nodes(), "node")
	if j.closed > 0 {
		text = fmt.Sprintf("%d of %s ended", j.closed, text)
	}
	if j.worst != "" && !j.worst.Passed() {
		text += f.paint(tint(j.worst), ", "+word(j.worst))
	}
	return text
}

// waits names the jobs that have still to end before j starts.
func (f frame) waits(j *job) string {
	var names []string
	for _, needed := range f.run.needs(j) {
		if !needed.status.Ended() {
			names = append(names, needed.name)
		}
	}
	switch {
	case len(names) > 0:
	case j.note != "":
		return j.note // its serial group is held
	default:
		return "ready"
	}
	return "waits for " + strings.Join(names, ", ")
}

// tail is the last n lines of what a job writes.
func (f frame) tail(j *job, n int) []string {
	s := j.current()
	if s == nil || n <= 0 {
		return nil
	}
	lines := s.tail.lines(n, f.Color)
	for i, line := range lines {
		line = "    " + f.paint(faint, f.pick("│", "|")) + " " + line
		lines[i] = f.contained(f.truncate(line, f.screen))
	}
	return lines
}
