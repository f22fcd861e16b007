package db

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// splitAll reads the log of a job from a cursor on, in pages of limit bytes,
// and returns its lines.
func splitAll(t testing.TB, d *DB, job int64, from Cursor, limit int) []Line {
	t.Helper()
	var s Splitter
	var lines []Line
	for {
		page, err := d.Lines(t.Context(), LogQuery{Job: job, From: from, Limit: limit})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, s.Split(page)...)
		if from = page.Next; !page.More {
			return append(lines, s.Flush(from)...)
		}
	}
}

// byStep joins lines to the text that each step wrote.
func byStep(lines []Line) map[int]string {
	text := map[int]string{}
	for _, l := range lines {
		if int64(len(text[l.Step])) != l.Offset {
			return map[int]string{0: fmt.Sprintf("step %d goes on at %d after %d bytes", l.Step, l.Offset, len(text[l.Step]))}
		}
		text[l.Step] += string(l.Text)
		if l.Size > int64(len(l.Text)) {
			text[l.Step] += "\n"
		}
	}
	return text
}

// TestLines reads logs of steps that wrote at the same time, in pages of all
// sizes, and goes on from the cursor of every line.
func TestLines(t *testing.T) {
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 0))
		d := open(t)
		id, r := begin(t, d)
		want := map[int]string{}
		for step := 1; step <= 4; step++ {
			handle(t, r, event.StepStarted{At: stepAt(1, step, 0), Name: "s", Background: step == 2})
		}
		for range 60 {
			step, text := 1+random.IntN(4), strings.Repeat("x", random.IntN(9))+strings.Repeat("\n", random.IntN(3))
			if step == 3 || text == "" {
				continue // step 3 says nothing until the end
			}
			handle(t, r, event.Output{At: stepAt(1, step, 0), Text: text})
			want[step] += text
		}
		handle(t, r, event.Output{At: stepAt(1, 3, 0), Text: "late"})
		want[3] = "late"
		if seed%2 == 0 { // one that has ended is one text in its job's row
			handle(t, r, event.JobFinished{At: jobAt(1, 0), Status: event.Success})
		}
		waitFor(t, func() bool {
			jobs, _ := d.Jobs(t.Context(), id)
			return len(jobs) == 1 && byStep(splitAll(t, d, jobs[0].ID, Cursor{}, 0))[3] == "late"
		})
		job := onlyJob(t, d, id).ID
		for limit := 1; limit < 40; limit += 13 {
			lines := splitAll(t, d, job, Cursor{}, limit)
			same(t, byStep(lines), want)
			for i, l := range lines {
				rest := splitAll(t, d, job, l.Next, 1+random.IntN(30))
				same(t, texts(rest), texts(lines[i+1:]))
			}
		}
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// texts returns what each step wrote on lines, whichever order they are in.
func texts(lines []Line) map[int]string {
	text := map[int]string{}
	for _, l := range lines {
		text[l.Step] += fmt.Sprintf("%d@%d+%d %q ", l.Number, l.Offset, l.Size, l.Text)
	}
	return text
}

func TestLongLineIsCut(t *testing.T) {
	d := open(t)
	long := strings.Repeat("0123456789", 20_000)
	id := record(t, d, event.StepStarted{At: stepAt(1, 1, 0)}, event.Output{At: stepAt(1, 1, 0), Text: long + "\nend"},
		event.JobFinished{At: jobAt(1, 0), Status: event.Success})
	lines := splitAll(t, d, onlyJob(t, d, id).ID, Cursor{}, 0)
	same(t, byStep(lines), map[int]string{1: long + "\nend"})
	if n := len(lines); n != 5 || lines[0].Whole || !lines[3].Whole || lines[4].Number != 1 || string(lines[4].Text) != "end" {
		t.Errorf("%d lines", n)
	}
}
