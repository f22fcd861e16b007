package db

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

func TestFullDiskLosesTextButNoStatus(t *testing.T) {
	d := open(t)
	id, r := begin(t, d)
	r.patience = 100 * time.Millisecond
	handle(t, r, event.JobQueued{At: jobAt(1, 0)}, event.Output{At: stepAt(1, 1, 0), Text: "before\n"})
	job := func() Job {
		jobs, err := d.Jobs(t.Context(), id)
		if err != nil || len(jobs) == 0 {
			return Job{}
		}
		return jobs[0]
	}
	waitFor(t, func() bool { return job().ID > 0 && wholeLog(t, d, job().ID)[1] == "before\n" })

	pages := fill(t, d)
	for range 100 {
		handle(t, r, event.Output{At: stepAt(1, 1, 0), Text: noise(64 << 10)}) // more than memory may take
	}
	handle(t, r, event.JobStarted{At: jobAt(1, 0)})
	waitFor(t, func() bool { return len(r.queue.snapshot()) == 0 })

	setMaxPages(t, d, pages)
	waitFor(t, func() bool { return job().Status == event.Running })
	handle(t, r, event.Output{At: stepAt(1, 1, 0), Text: "after\n"}, event.JobFinished{At: jobAt(1, 0), Status: event.Success})
	err := r.Close(t.Context())
	if err == nil || !strings.Contains(err.Error(), "bytes of the log of pipeline #1 were not kept") {
		t.Errorf("closing says %v", err)
	}
	if job().Status != event.Success {
		t.Errorf("the job is %s", job().Status)
	}
	log := wholeLog(t, d, job().ID)[1]
	if !strings.HasPrefix(log, "before\n") || !strings.HasSuffix(log, "after\n") || !strings.Contains(log, "could not keep") {
		t.Errorf("the log is %.200q", log)
	}
}

func TestCloseGivesUpOnAFullDisk(t *testing.T) {
	d := open(t)
	_, r := begin(t, d)
	fill(t, d)
	if err := r.Handle(event.Output{At: stepAt(1, 1, 0), Text: noise(1 << 20)}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := r.Close(ctx)
	if err == nil || !strings.Contains(err.Error(), "disk is full") || !strings.Contains(err.Error(), d.Path()) {
		t.Errorf("closing says %v", err)
	}
}

// fill leaves no room in the database, and returns what its limit was.
func fill(t *testing.T, d *DB) (pages int) {
	t.Helper()
	if err := d.write.QueryRow("PRAGMA max_page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	setMaxPages(t, d, 1) // SQLite takes what it has now
	return pages
}

func setMaxPages(t *testing.T, d *DB, pages int) {
	t.Helper()
	var got int
	if err := d.write.QueryRow(fmt.Sprint("PRAGMA max_page_count = ", pages)).Scan(&got); err != nil {
		t.Fatal(err)
	}
}

// recordOnSmallDisk records a run of which the log is larger than files may
// become, and prints what Close says.
func recordOnSmallDisk(path string) error {
	ctx := context.Background()
	d, err := Open(ctx, path)
	if err != nil {
		return err
	}
	id, err := d.NewPipeline(ctx, "a lease")
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}); err != nil {
		return err
	}
	r := d.Recorder(id)
	r.patience = 50 * time.Millisecond
	text := noise(100_000)
	for range 100 {
		if err := r.Handle(event.Output{At: stepAt(1, 1, 0), Text: text}); err != nil {
			return err
		}
	}
	for _, e := range []event.Event{
		event.StepFinished{At: stepAt(1, 1, 0), Status: event.Success},
		event.JobFinished{At: jobAt(1, 0), Status: event.Success},
		event.PipelineFinished{At: jobAt(0, 0), Status: event.Success},
	} {
		if err := r.Handle(e); err != nil {
			return err
		}
	}
	fmt.Println(r.Close(ctx))
	return nil
}

func TestSmallDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	cmd, out := play(t, "smallDisk", path)
	said, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(said), "were not kept") || !strings.Contains(string(said), path) {
		t.Errorf("closing said %s", said)
	}
	d := openAt(t, path)
	if job := onlyJob(t, d, 1); job.Status != event.Success {
		t.Errorf("the job is %s", job.Status)
	}
	checkSound(t, d)
}
