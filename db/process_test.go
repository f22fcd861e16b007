package db

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// play starts another process that plays a role on the history at path.
func play(t *testing.T, role, path string) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0], path)
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// recordRuns records five pipelines.
func recordRuns(path string) error {
	ctx := context.Background()
	d, err := Open(ctx, path)
	if err != nil {
		return err
	}
	for range 5 {
		id, err := d.NewPipeline(ctx, "a lease")
		if err != nil {
			return err
		}
		r := d.Recorder(id)
		for job := 1; job <= 3; job++ {
			for n := range 20 {
				if err := r.Handle(event.Output{At: stepAt(job, 1, 0), Text: textOf(id, job, n)}); err != nil {
					return err
				}
			}
			if err := r.Handle(event.JobFinished{At: jobAt(job, 0), Status: event.Success}); err != nil {
				return err
			}
		}
		if err := r.Handle(event.PipelineFinished{At: jobAt(0, 0), Status: event.Success}); err != nil {
			return err
		}
		if err := r.Close(ctx); err != nil {
			return err
		}
		fmt.Println(id)
	}
	return d.Close()
}

// textOf is what the job of a pipeline writes as its n-th text.
func textOf(pipeline int64, job, n int) string {
	return strings.Repeat(fmt.Sprintf("pipeline %d job %d text %d\n", pipeline, job, n), 10*job*job)
}

func TestProcessesShareAHistory(t *testing.T) {
	const processes = 4
	path := filepath.Join(t.TempDir(), "new", "history.db") // they race to make it, too
	var commands []*exec.Cmd
	ids := map[string]bool{}
	var outputs []io.Reader
	for range processes {
		cmd, out := play(t, "record", path)
		commands, outputs = append(commands, cmd), append(outputs, out)
	}
	for i, cmd := range commands {
		lines := bufio.NewScanner(outputs[i])
		for lines.Scan() {
			ids[lines.Text()] = true
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	d := openAt(t, path)
	for id := range int64(5 * processes) {
		id++
		if !ids[strconv.FormatInt(id, 10)] {
			t.Errorf("no process made #%d", id)
		}
		jobs, err := d.Jobs(t.Context(), id)
		if err != nil || len(jobs) != 3 {
			t.Fatalf("#%d has %d jobs, %v", id, len(jobs), err)
		}
		for _, j := range jobs {
			var want strings.Builder
			for n := range 20 {
				want.WriteString(textOf(id, j.Position, n))
			}
			if wholeLog(t, d, j.ID)[1] != want.String() {
				t.Errorf("#%d, job %d has another log", id, j.Position)
			}
		}
	}
	checkTight(t, d)
}

// endlessText is the text of every step of recordEndlessly, of which it
// writes as much as it can.
var endlessText = sync.OnceValue(func() string {
	var b strings.Builder
	for n := range 60_000 {
		fmt.Fprintln(&b, "line", n)
	}
	return b.String()
})

// recordEndlessly records pipelines until it is killed. It prints what it
// has seen in the database of the log it writes.
func recordEndlessly(path string) error {
	ctx := context.Background()
	d, err := Open(ctx, path)
	if err != nil {
		return err
	}
	for {
		id, err := d.NewPipeline(ctx, strconv.Itoa(os.Getpid()))
		if err != nil {
			return err
		}
		r := d.Recorder(id)
		if err := recordWatched(ctx, d, id, r); err != nil {
			return err
		}
		if err := r.Close(ctx); err != nil {
			return err
		}
	}
}

// recordWatched writes jobs, one of them with two steps, in pieces of all
// sizes. Now and then it waits until it sees in the database all it wrote.
func recordWatched(ctx context.Context, d *DB, id int64, r *Recorder) error {
	written := 0
	for _, e := range endlessRun() {
		if err := r.Handle(e); err != nil {
			return err
		}
		out, ok := e.(event.Output)
		if written += len(out.Text); !ok || rand.IntN(3) > 0 {
			continue
		}
		for seen := 0; seen < written; {
			job := 0
			err := d.read.QueryRowContext(ctx, `SELECT ifnull(max(job_id), 0), ifnull(sum(bytes), 0) FROM chunks
				WHERE job_id IN (SELECT id FROM jobs WHERE pipeline_id = ?)`, id).Scan(&job, &seen)
			if err != nil {
				return err
			}
			if job > 0 {
				fmt.Println(job, seen)
			}
		}
	}
	return nil
}

func endlessRun() []event.Event {
	events := []event.Event{
		event.PipelineStarted{At: jobAt(0, 0), Workflows: []string{"main"}},
		event.JobQueued{At: jobAt(1, 0)},
		event.JobQueued{At: jobAt(2, 0)},
	}
	for step := 1; step <= 2; step++ {
		events = append(events, event.StepStarted{At: stepAt(1, step, 0)})
		for left := endlessText()[:rand.IntN(len(endlessText()))]; left != ""; {
			n := min(len(left), 1+rand.IntN(150_000))
			events = append(events, event.Output{At: stepAt(1, step, 0), Text: left[:n]})
			left = left[n:]
		}
		events = append(events, event.StepFinished{At: stepAt(1, step, 0), Status: event.Success})
	}
	return append(events,
		event.JobFinished{At: jobAt(1, 0), Status: event.Success},
		event.JobFinished{At: jobAt(2, 0), Status: event.NotRun},
		event.PipelineFinished{At: jobAt(0, 0), Status: event.Success})
}

// TestKilledAtAnyTime kills recording processes and looks at what is left.
func TestKilledAtAnyTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	kills := 12
	if testing.Short() {
		kills = 3
	}
	for range kills {
		cmd, out := play(t, "endless", path)
		seen := map[int64]int64{} // bytes of log by job
		lines := bufio.NewScanner(out)
		for n := rand.IntN(60); n >= 0 && lines.Scan(); n-- {
			note(t, seen, lines.Text())
		}
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond) // not to synchronise: any moment will do
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it said before it died
			note(t, seen, lines.Text())
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the process was not killed")
		}
		checkLeft(t, path, strconv.Itoa(cmd.Process.Pid), seen)
	}
}

func note(t *testing.T, seen map[int64]int64, line string) {
	var job, bytes int64
	if _, err := fmt.Sscan(line, &job, &bytes); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	seen[job] = bytes
}

// checkLeft opens the history after the process with that lease was killed.
func checkLeft(t *testing.T, path, lease string, seen map[int64]int64) {
	t.Helper()
	d, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	closed, err := d.CloseAbandoned(t.Context(), func(l string) bool { return l != lease })
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range closed {
		p, err := d.Pipeline(t.Context(), id)
		if err != nil || p.Status != event.Interrupted || p.Lease != lease {
			t.Errorf("#%d of %s is %s, %v", id, p.Lease, p.Status, err)
		}
	}
	checkTight(t, d)
	for job, bytes := range seen {
		var got int64
		for step, text := range wholeLog(t, d, job) {
			got += int64(len(text))
			if !strings.HasPrefix(endlessText(), text) {
				t.Errorf("step %d of job %d has another text", step, job)
			}
		}
		if got < bytes {
			t.Errorf("job %d has %d bytes of log, and had %d before the kill", job, got, bytes)
		}
	}
}

// checkTight looks at what must hold where there was room to pack logs.
func checkTight(t *testing.T, d *DB) {
	t.Helper()
	checkSound(t, d)
	none(t, d, "long texts uncompressed", "SELECT count(*) FROM chunks WHERE bytes > 1024 AND NOT zstd")
}

// checkSound looks at what must hold in every history that nobody writes.
func checkSound(t *testing.T, d *DB) {
	t.Helper()
	var verdict string
	if err := d.read.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Fatalf("integrity check: %s, %v", verdict, err)
	}
	for what, query := range map[string]string{
		"rows without a parent":     "SELECT count(*) FROM pragma_foreign_key_check",
		"open pipelines":            "SELECT count(*) FROM pipelines WHERE end_time IS NULL OR " + isOpen,
		"open workflows":            "SELECT count(*) FROM workflows WHERE end_time IS NULL OR " + isOpen,
		"open jobs":                 "SELECT count(*) FROM jobs WHERE end_time IS NULL OR " + isOpen,
		"open steps":                "SELECT count(*) FROM steps WHERE end_time IS NULL OR " + isOpen,
		"logs in two forms":         "SELECT count(*) FROM jobs WHERE log_form = 'text' AND id IN (SELECT job_id FROM chunks)",
		"short logs not packed":     "SELECT count(*) FROM jobs WHERE log_bytes <= 65536 AND id IN (SELECT job_id FROM chunks)",
		"text outside of its log":   "SELECT count(*) FROM jobs WHERE log_bytes <> (SELECT ifnull(sum(log_bytes), 0) FROM steps WHERE job_id = jobs.id)",
		"gaps between rows of text": "SELECT count(*) FROM (SELECT start, lag(start + bytes, 1, 0) OVER (PARTITION BY job_id, step ORDER BY start) AS due FROM chunks) WHERE start <> due",
	} {
		none(t, d, what, query)
	}
}

// none checks that a query counts nothing.
func none(t *testing.T, d *DB, what, query string) {
	t.Helper()
	var n int
	if err := d.read.QueryRow(query).Scan(&n); err != nil || n > 0 {
		t.Errorf("%d %s, %v", n, what, err)
	}
}
