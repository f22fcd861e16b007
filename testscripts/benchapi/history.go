package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver

	"github.com/popsicle-ci/popsicle/db"
)

// history returns the file of a history that has ended pipelines of fifty
// repositories. It is built where it is not there yet, in one transaction:
// through events it would take as long as the runs themselves wrote.
func (s *suite) history(ctx context.Context) (string, error) {
	s.home = filepath.Join(s.home, fmt.Sprint(s.pipelines))
	file := filepath.Join(s.home, "history.db")
	if _, err := os.Stat(filepath.Join(s.home, "built")); err == nil {
		d, err := db.Open(ctx, file) // brings it up to date
		return file, errors.Join(err, d.Close())
	}
	if err := errors.Join(os.RemoveAll(s.home), os.MkdirAll(s.home, 0o700)); err != nil {
		return "", err
	}
	began := time.Now()
	d, err := db.Open(ctx, file) // makes the tables
	if err != nil {
		return "", err
	}
	if err := errors.Join(d.Close(), fill(ctx, file, s.pipelines), os.WriteFile(filepath.Join(s.home, "built"), nil, 0o600)); err != nil {
		return "", err
	}
	fmt.Printf("built a history of %d jobs in %s, in %s\n", 10*s.pipelines, time.Since(began).Round(time.Second), s.home)
	return file, nil
}

func fill(ctx context.Context, file string, pipelines int) error {
	d, err := sql.Open("sqlite3", "file:"+file+"?_journal_mode=WAL&_synchronous=NORMAL")
	if err != nil {
		return err
	}
	defer d.Close()
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing, once it is committed
	if _, err := tx.ExecContext(ctx, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO pipelines (repo, root, commit_sha, branch, status, queued_time, start_time, end_time, seen_time, subject, author, trigger, tree)
		SELECT 'owner/repo-' || i % 50, '/home/user/src/repo-' || i % 50, lower(hex(randomblob(20))), iif(i % 3, 'main', 'feature/' || i % 101),
			iif(i % 20, 'success', iif(i % 1000, 'failed', 'timedout')), i * 1000, i * 1000, i * 1000 + 500, i * 1000,
			'a subject of some length, as they are', 'A. U. Thor', 'webhook', lower(hex(randomblob(20))) FROM n`, pipelines); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9)
		INSERT INTO jobs (pipeline_id, job_name, status, queued_time, position, node, workflow, log_form, log)
		SELECT p.id, 'job-' || i, iif(i, 'success', p.status), p.queued_time, i + 1, 0, 'main', 'text', printf('%.300c', 'x')
		FROM pipelines AS p, n ORDER BY p.id, i`); err != nil {
		return err
	}
	return tx.Commit()
}
