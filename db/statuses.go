package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A Status is what is to be said of a commit, and what became of it.
type Status struct {
	ID          int64
	Host        string // "github.com"
	Repo        string // "owner/name"
	Commit      string // full SHA
	Context     string // "popsicle/main"
	State       string // pending, success, failure, error
	Description string
	TargetURL   string
	Pipeline    int64 // the run that says it

	Seq     int64     // counts the changes
	Tries   int       // of this Seq
	Since   time.Time // when this Seq was made
	Next    time.Time // when it is tried next; zero: never again
	Verdict string    // of the last try, empty before it
	Answer  string    // what the host said
	Posted  int       // how many times anything was posted
}

// statusLimit is how many statuses GitHub takes for one commit and context.
// https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
const statusLimit = 1000

const statusColumns = `id, host, repo, commit_sha, context, state, description, target_url, pipeline_id,
	seq, tries, since, next_time, verdict, answer, posted`

func scanStatus(scan func(...any) error) (s Status, err error) {
	err = scan(&s.ID, &s.Host, &s.Repo, &s.Commit, &s.Context, &s.State, &s.Description, &s.TargetURL, &s.Pipeline,
		&s.Seq, &s.Tries, (*moment)(&s.Since), (*moment)(&s.Next), &s.Verdict, &s.Answer, &s.Posted)
	return s, err
}

// PutStatus keeps a status to be posted. Of one commit and context there is
// only the newest: a later pipeline's instead of an earlier one's, and never
// pending after an end that the same pipeline has told. What is said already
// is not said again.
func (d *DB) PutStatus(ctx context.Context, s Status) error {
	now := moment(time.Now())
	return d.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO statuses (host, repo, commit_sha, context, state, description, target_url, pipeline_id, since, next_time)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (host, repo, commit_sha, context) DO UPDATE SET state = excluded.state, description = excluded.description,
				target_url = excluded.target_url, pipeline_id = excluded.pipeline_id, seq = seq + 1, tries = 0,
				since = excluded.since, next_time = excluded.next_time, verdict = '', answer = ''
			WHERE excluded.pipeline_id >= pipeline_id
				AND NOT (excluded.pipeline_id = pipeline_id AND excluded.state = 'pending' AND state <> 'pending')
				AND (excluded.state, excluded.description, excluded.target_url) <> (state, description, target_url)`,
			s.Host, s.Repo, s.Commit, s.Context, s.State, s.Description, s.TargetURL, s.Pipeline, now, now)
		return err
	})
}

// DueStatus returns the status that is due at now and has waited longest, or
// none and how long the next one has; 0: nothing waits.
func (d *DB) DueStatus(ctx context.Context, now time.Time) (*Status, time.Duration, error) {
	row := d.read.QueryRowContext(ctx, `SELECT `+statusColumns+` FROM statuses
		WHERE next_time IS NOT NULL AND posted < ? ORDER BY next_time LIMIT 1`, statusLimit)
	s, err := scanStatus(row.Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, 0, nil
	case err != nil:
		return nil, 0, d.wrap(err)
	case s.Next.After(now):
		return nil, s.Next.Sub(now), nil
	}
	return &s, 0, nil
}

// SettleStatus notes what became of s, and when it is tried again: a zero
// next for never. A status that has changed meanwhile stays due.
func (d *DB) SettleStatus(ctx context.Context, s Status, verdict, answer string, next time.Time) error {
	return d.update(ctx, func(tx *sql.Tx) error {
		posted := 0
		if verdict == "posted" {
			posted = 1
		}
		_, err := tx.ExecContext(ctx, `UPDATE statuses SET posted = posted + ?1,
				tries     = CASE seq WHEN ?2 THEN tries + 1 ELSE tries END,
				next_time = CASE seq WHEN ?2 THEN ?3 ELSE next_time END,
				verdict   = CASE seq WHEN ?2 THEN ?4 ELSE verdict END,
				answer    = CASE seq WHEN ?2 THEN ?5 ELSE answer END
			WHERE id = ?6`, posted, s.Seq, moment(next), verdict, answer, s.ID)
		return err
	})
}

// StatusOf returns what was said last of a commit under a context.
func (d *DB) StatusOf(ctx context.Context, host, repo, commit, context string) (Status, error) {
	row := d.read.QueryRowContext(ctx, `SELECT `+statusColumns+` FROM statuses WHERE host = ? AND repo = ? AND commit_sha = ? AND context = ?`,
		host, repo, commit, context)
	s, err := scanStatus(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return s, fmt.Errorf("status %s of %s: %w", context, commit, ErrNotFound)
	}
	return s, d.wrap(err)
}

// Statuses lists what a pipeline has said of its commit.
func (d *DB) Statuses(ctx context.Context, pipeline int64) ([]Status, error) {
	rows, err := d.read.QueryContext(ctx, `SELECT `+statusColumns+` FROM statuses WHERE pipeline_id = ? ORDER BY id`, pipeline)
	if err != nil {
		return nil, d.wrap(err)
	}
	found, err := collect(rows, scanStatus)
	return found, d.wrap(err)
}

// PendingStatuses lists what was said last, under a context, of commits that
// wait.
func (d *DB) PendingStatuses(ctx context.Context, context string) ([]Status, error) {
	rows, err := d.read.QueryContext(ctx, `SELECT `+statusColumns+` FROM statuses WHERE context = ? AND state = 'pending' ORDER BY id`, context)
	if err != nil {
		return nil, d.wrap(err)
	}
	found, err := collect(rows, scanStatus)
	return found, d.wrap(err)
}

// HurryStatuses makes due at once what waits of a commit.
func (d *DB) HurryStatuses(ctx context.Context, host, repo, commit string) error {
	return d.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE statuses SET next_time = ? WHERE host = ? AND repo = ? AND commit_sha = ? AND next_time IS NOT NULL`,
			moment(time.Now()), host, repo, commit)
		return err
	})
}
