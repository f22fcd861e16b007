package db

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// bigHistory returns the path of a history with 100,000 pipelines of ten jobs
// each, in fifty repositories.
var bigHistory = sync.OnceValues(func() (string, error) {
	return fillHistory(filepath.Join(benchDir, "big.db"), 100_000, 10)
})

func fillHistory(path string, pipelines, jobs int) (string, error) {
	ctx := context.Background()
	d, err := Open(ctx, path)
	if err != nil {
		return "", err
	}
	err = d.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO pipelines (repo, root, commit_sha, branch, status, queued_time, start_time, end_time, seen_time, subject, author, trigger, tree, config_files)
			SELECT 'owner/repo-' || i % 50, '/home/user/src/repo-' || i % 50, lower(hex(randomblob(20))), iif(i % 3, 'main', 'feature/' || i % 101),
				iif(i % 20, 'success', iif(i % 1000, 'failed', 'timedout')), i * 1000, i * 1000, i * 1000 + 500, i * 1000,
				'a subject of some length, as they are', 'A. U. Thor', 'cli', lower(hex(randomblob(20))),
				'[{"Path":".popsicle/ci.yml","SHA256":"' || lower(hex(randomblob(32))) || '"}]' FROM n`, pipelines)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
			INSERT INTO jobs (pipeline_id, job_name, status, queued_time, position, node, workflow, log_form, log)
			SELECT p.id, 'job-' || i, iif(i, 'success', p.status), p.queued_time, i + 1, 0, 'main', 'text', printf('%.300c', 'x')
			FROM pipelines AS p, n ORDER BY p.id, i`, jobs)
		return err
	})
	if err != nil {
		return "", err
	}
	return path, d.Close()
}

func BenchmarkPipelines(b *testing.B) {
	path, err := bigHistory()
	if err != nil {
		b.Fatal(err)
	}
	for name, f := range map[string]PipelineFilter{
		"all":         {Limit: 20},
		"root":        {Root: "/home/user/src/repo-7", Limit: 20},
		"repo-branch": {Repo: "owner/repo-7", Branch: "main", Limit: 20},
		"root-rare":   {Root: "/home/user/src/repo-0", Status: event.TimedOut, Limit: 20},
		"root-none":   {Root: "/home/user/src/repo-7", Status: event.TimedOut, Limit: 20},
		"status":      {Status: event.TimedOut, Limit: 20},
		"commit":      {Commit: "abcd", Limit: 20},
		"deep":        {Before: 50_000, Limit: 20},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				d, err := OpenReadOnly(b.Context(), path)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := d.Pipelines(b.Context(), f); err != nil {
					b.Fatal(err)
				}
				if err := d.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRecord(b *testing.B) {
	var text []string
	var block strings.Builder
	for i := range 1_000_000 {
		fmt.Fprintf(&block, "%-10d %s line %d\n", i, strings.Repeat("x", 62), i%7)
		if block.Len() > 32<<10 {
			text = append(text, block.String())
			block.Reset()
		}
	}
	at := event.At{Workflow: "main", Job: "build", JobID: 1, Step: 1, Time: time.Now()}
	b.SetBytes(82 << 20)
	for b.Loop() {
		d := open(b)
		id, err := d.NewPipeline(b.Context(), "lease")
		if err != nil {
			b.Fatal(err)
		}
		r := d.Recorder(id)
		for _, t := range text {
			if err := r.Handle(event.Output{At: at, Text: t}); err != nil {
				b.Fatal(err)
			}
		}
		if err := r.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSmallRun is what the history adds to a run of one job with one
// step: opening an existing file, recording, closing.
func BenchmarkSmallRun(b *testing.B) {
	path := filepath.Join(b.TempDir(), "history.db")
	for b.Loop() {
		d, err := Open(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		id, err := d.NewPipeline(b.Context(), "lease")
		if err != nil {
			b.Fatal(err)
		}
		r := d.Recorder(id)
		for _, e := range smallRun() {
			if err := r.Handle(e); err != nil {
				b.Fatal(err)
			}
		}
		if err := r.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWindow reads 100 lines from the middle of a log of 82 MB.
func BenchmarkWindow(b *testing.B) {
	d := open(b)
	line := strings.Repeat("x", 80) + "\n"
	id, r := begin(b, d)
	for range 1000 {
		if err := r.Handle(event.Output{At: stepAt(1, 1, 0), Text: strings.Repeat(line, 1000)}); err != nil {
			b.Fatal(err)
		}
	}
	if err := r.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	job := onlyJob(b, d, id).ID
	for b.Loop() {
		from, err := d.SeekLine(b.Context(), job, 1, 500_000)
		if err != nil {
			b.Fatal(err)
		}
		page, err := d.Lines(b.Context(), LogQuery{Job: job, From: from, Limit: 100 * len(line)})
		if err != nil || len(page.Pieces) == 0 {
			b.Fatal(page, err)
		}
	}
}
