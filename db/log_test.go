package db

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A script is a job whose steps write random text, one of them in the
// background.
type script struct {
	events []event.Event
	want   map[int]string
}

func newScript(r *rand.Rand, total int) script {
	s := script{want: map[int]string{}}
	text := map[int]*strings.Builder{}
	say := func(e event.Event) { s.events = append(s.events, e) }
	write := func(step, size int) {
		line := randomLines(r, size)
		text[step].WriteString(line)
		say(event.Output{At: stepAt(1, step, time.Duration(len(s.events))*time.Second), Text: line})
	}
	start := func(step int, background bool) {
		text[step] = &strings.Builder{}
		say(event.StepStarted{At: stepAt(1, step, 0), Name: fmt.Sprint("step ", step), Background: background})
	}
	say(event.JobQueued{At: jobAt(1, 0)})
	say(event.JobStarted{At: jobAt(1, 0)})
	start(1, false)
	say(event.StepFinished{At: stepAt(1, 1, 0), Status: event.Success})
	start(2, true)
	for step := 3; step < 7; step++ {
		start(step, false)
		for n := r.IntN(40); n > 0; n-- {
			write(step, r.IntN(1+total/50))
			write(2, r.IntN(1+total/200))
		}
		say(event.StepFinished{At: stepAt(1, step, 0), Status: event.Success})
	}
	write(2, 10)
	say(event.StepFinished{At: stepAt(1, 2, 0), Status: event.Canceled})
	say(event.JobFinished{At: jobAt(1, 0), Status: event.Success})
	for step, b := range text {
		if b.Len() > 0 {
			s.want[step] = b.String()
		}
	}
	return s
}

func randomLines(r *rand.Rand, size int) string {
	b := make([]byte, size)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz\x00\xff\n"[r.IntN(29)]
	}
	return string(b)
}

// A gatherer puts a log together from pages, and checks that no byte is
// missing, doubled or out of its order.
type gatherer struct {
	text  map[int][]byte
	lines map[int]int64
	err   error
}

func newGatherer() *gatherer { return &gatherer{text: map[int][]byte{}, lines: map[int]int64{}} }

func (g *gatherer) add(page Page) {
	for _, p := range page.Pieces {
		have := g.text[p.Step]
		if p.Offset != int64(len(have)) || p.Line != g.lines[p.Step] || len(p.Text) == 0 {
			g.err = fmt.Errorf("step %d goes on at byte %d line %d with %d bytes; have %d bytes, %d lines",
				p.Step, p.Offset, p.Line, len(p.Text), len(have), g.lines[p.Step])
		}
		g.text[p.Step] = append(have, p.Text...)
		g.lines[p.Step] += newlines(p.Text)
	}
}

func (g *gatherer) strings() map[int]string {
	got := map[int]string{}
	for step, text := range g.text {
		got[step] = string(text)
	}
	return got
}

// TestLogIsTheSameLiveAndPacked follows jobs while they run, from other
// goroutines and with pages of other sizes, and reads them again when their
// logs are packed.
func TestLogIsTheSameLiveAndPacked(t *testing.T) {
	for seed, total := range []int{100, 10_000, 60_000, 300_000, 3_000_000} {
		t.Run(strconv.Itoa(total), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(seed), 1))
			d := open(t)
			id, recorder := begin(t, d)
			script := newScript(r, total)
			if err := recorder.Handle(script.events[0]); err != nil {
				t.Fatal(err)
			}
			waitFor(t, func() bool { jobs, err := d.Jobs(t.Context(), id); return err == nil && len(jobs) == 1 })
			job := onlyJob(t, d, id).ID

			var followers sync.WaitGroup
			for _, limit := range []int{0, 1 + total/7, 1 + total/100} {
				followers.Go(func() {
					g := newGatherer()
					err := d.Follow(t.Context(), LogQuery{Job: job, Limit: limit}, time.Millisecond, func(p Page) error {
						g.add(p)
						return g.err
					})
					if err != nil || !maps.Equal(g.strings(), script.want) {
						t.Errorf("a follower with pages of %d bytes got something else: %v", limit, err)
					}
				})
			}
			for i, e := range script.events[1:] {
				if err := recorder.Handle(e); err != nil {
					t.Fatal(err)
				}
				if i%20 == 0 { // let some of it become rows of their own
					waitFor(t, func() bool { return len(recorder.queue.snapshot()) == 0 })
				}
			}
			followers.Wait()
			if err := recorder.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkPacked(t, d, job, script.want, r)
		})
	}
}

// checkPacked reads a packed log in every way there is.
func checkPacked(t *testing.T, d *DB, job int64, want map[int]string, r *rand.Rand) {
	t.Helper()
	if got := wholeLog(t, d, job); !maps.Equal(got, want) {
		t.Fatal("the packed log is not what was written")
	}
	steps, err := d.Steps(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	var offset int64
	for _, s := range steps {
		text := want[s.Number]
		if s.LogBytes != int64(len(text)) || s.LogLines != newlines([]byte(text)) || text != "" && s.LogOffset != offset {
			t.Errorf("step %d lies at %d+%d with %d lines; want %d+%d with %d", s.Number,
				s.LogOffset, s.LogBytes, s.LogLines, offset, len(text), newlines([]byte(text)))
		}
		offset += int64(len(text))
		for range 10 {
			checkWindow(t, d, job, s.Number, text, r.IntN(len(text)+1), 1+r.IntN(len(text)+1))
			checkLine(t, d, job, s.Number, text, r.IntN(int(s.LogLines)+2))
		}
	}
	j, err := d.Job(t.Context(), job)
	if err != nil || j.LogBytes != offset {
		t.Errorf("the log has %d bytes, want %d; %v", j.LogBytes, offset, err)
	}
}

func checkWindow(t *testing.T, d *DB, job int64, step int, text string, from, limit int) {
	t.Helper()
	page, err := d.Lines(t.Context(), LogQuery{Job: job, Step: step, From: At(step, int64(from)), Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for _, p := range page.Pieces {
		if p.Step != step || p.Offset != int64(from+len(got)) || p.Line != newlines([]byte(text[:p.Offset])) {
			t.Errorf("a window of step %d has a piece of step %d at %d, line %d", step, p.Step, p.Offset, p.Line)
		}
		got = append(got, p.Text...)
	}
	if want := text[from:min(len(text), from+limit)]; string(got) != want {
		t.Errorf("step %d, %d bytes from %d: got %d bytes that differ", step, limit, from, len(got))
	}
	if ended := from+limit > len(text); page.Ended != ended || page.More == ended {
		t.Errorf("step %d, %d bytes from %d of %d: ended %v, more %v", step, limit, from, len(text), page.Ended, page.More)
	}
}

func checkLine(t *testing.T, d *DB, job int64, step int, text string, line int) {
	t.Helper()
	want := 0
	for range line {
		next := strings.IndexByte(text[want:], '\n')
		if next < 0 {
			want = len(text)
			break
		}
		want += next + 1
	}
	got, err := d.SeekLine(t.Context(), job, step, int64(line))
	if err != nil || got.String() != At(step, int64(want)).String() {
		t.Errorf("line %d of step %d is at %v, %v; want byte %d", line, step, got, err, want)
	}
}

// TestCursorOutlivesPacking takes a cursor while a job runs and goes on from
// it, over its text form, after the job has ended.
func TestCursorOutlivesPacking(t *testing.T) {
	for _, size := range []int{10, 100_000, 1_000_000} {
		d := open(t)
		id, r := begin(t, d)
		first, second := noise(size), noise(size)
		handle(t, r, event.StepStarted{At: stepAt(1, 1, 0)}, event.StepFinished{At: stepAt(1, 1, 0), Status: event.Success},
			event.StepStarted{At: stepAt(1, 2, 0), Background: true}, event.StepStarted{At: stepAt(1, 3, 0)},
			event.Output{At: stepAt(1, 3, 0), Text: first}, event.Output{At: stepAt(1, 2, 0), Text: first})
		waitFor(t, func() bool {
			jobs, err := d.Jobs(t.Context(), id)
			return err == nil && len(jobs) == 1 && len(wholeLog(t, d, jobs[0].ID)[2]) == size
		})
		job := onlyJob(t, d, id).ID
		page, err := d.Lines(t.Context(), LogQuery{Job: job, Limit: 3 * size})
		if err != nil || page.Ended || page.More {
			t.Fatalf("ended %v, more %v, %v", page.Ended, page.More, err)
		}
		if want := fmt.Sprintf("2.%d_3.%d", size, size); page.Next.String() != want {
			t.Errorf("the cursor is %s, want %s", page.Next, want)
		}
		handle(t, r, event.Output{At: stepAt(1, 2, 0), Text: second}, event.Output{At: stepAt(1, 3, 0), Text: second},
			event.JobFinished{At: jobAt(1, 0), Status: event.Success})
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		from, err := ParseCursor(page.Next.String())
		if err != nil {
			t.Fatal(err)
		}
		g := newGatherer()
		g.add(page)
		err = d.Follow(t.Context(), LogQuery{Job: job, From: from}, time.Hour, func(p Page) error { g.add(p); return g.err })
		want := map[int]string{2: first + second, 3: first + second}
		if err != nil || !maps.Equal(g.strings(), want) {
			t.Errorf("%d bytes: the rest is not the rest: %v", size, err)
		}
	}
}

func TestShortLogsAreReadableText(t *testing.T) {
	d := open(t)
	job := onlyJob(t, d, record(t, d, smallRun()...)).ID
	var log string
	var chunks int
	err := d.read.QueryRow("SELECT log, (SELECT count(*) FROM chunks) FROM jobs WHERE id = ?", job).Scan(&log, &chunks)
	if err != nil || log != "hello\n" || chunks != 0 {
		t.Errorf("log %q and %d chunks, %v", log, chunks, err)
	}
}

func TestLongLogsKeepTheirEndAsText(t *testing.T) {
	d := open(t)
	text := noise(200_000) + "the end\n"
	job := onlyJob(t, d, record(t, d, event.Output{At: stepAt(1, 1, 0), Text: text}, event.JobFinished{At: jobAt(1, 0), Status: event.Success})).ID
	var log string
	if err := d.read.QueryRow("SELECT log FROM jobs WHERE id = ?", job).Scan(&log); err != nil || log != text[len(text)-excerptSize:] {
		t.Errorf("%d bytes, %v", len(log), err)
	}
}

func TestSlowTextIsCompressedWhileItGrows(t *testing.T) {
	s := newStream(&jobRow{id: 1}, 1)
	line := strings.Repeat("x", 99) + "\n"
	for range 10_000 {
		s.add([]string{line}, clock)
		s.flush()
		if len(s.tail.text) > frameSize {
			t.Fatalf("%d bytes are kept in memory", len(s.tail.text))
		}
	}
	if s.tail.start != 3*frameSize || s.tail.line != 3*frameSize/100 {
		t.Errorf("the fourth frame begins at byte %d, line %d", s.tail.start, s.tail.line)
	}
}

func TestMissingJob(t *testing.T) {
	d := open(t)
	for name, err := range map[string]error{
		"Lines":    second(d.Lines(t.Context(), LogQuery{Job: 7})),
		"SeekLine": second(d.SeekLine(t.Context(), 7, 1, 1)),
		"Job":      second(d.Job(t.Context(), 7)),
		"Pipeline": second(d.Pipeline(t.Context(), 7)),
	} {
		if !isNotFound(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// wholeLog returns a job's log by its steps.
func wholeLog(t testing.TB, d *DB, job int64) map[int]string {
	t.Helper()
	g := newGatherer()
	for q := (LogQuery{Job: job}); ; {
		page, err := d.Lines(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		g.add(page)
		if g.err != nil {
			t.Fatal(g.err)
		}
		if q.From = page.Next; !page.More {
			return g.strings()
		}
	}
}

// noise returns text that does not compress well.
func noise(size int) string {
	r := rand.New(rand.NewPCG(1, uint64(size)))
	var b bytes.Buffer
	for b.Len() < size {
		fmt.Fprintf(&b, "%x\n", r.Uint64())
	}
	return b.String()[:size]
}
