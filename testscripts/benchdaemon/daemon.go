package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	_ "github.com/mattn/go-sqlite3" // the disk's own rate

	"github.com/popsicle-ci/popsicle/db"
)

const secret = "benchmark"

// A running daemon works for one repository, whose server takes connections
// and never says a word: so the first pipelines wait for it, the others in
// the queue, and no job runs.
type running struct {
	home, url string
	cmd       *exec.Cmd
	forge     net.Listener
	once      sync.Once
}

var listens = regexp.MustCompile(`address=(127\.0\.0\.1:\d+)`)

// start starts a daemon over the history of a name.
func (s *suite) start(ctx context.Context, name string) (*running, error) {
	forge, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &running{home: filepath.Join(s.dir, name), forge: forge}
	add := d.command(ctx, s.popsicle, "daemon", "repo", "add", "acme/app", "--url", "http://"+forge.Addr().String()+"/acme/app")
	if out, err := add.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("popsicle daemon repo add: %w: %s", err, out), forge.Close())
	}
	d.cmd = d.command(ctx, s.popsicle, "daemon", "--listen", "127.0.0.1:0", "--jobs", "1")
	errs, err := d.cmd.StderrPipe()
	if err == nil {
		err = d.cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(err, forge.Close())
	}
	lines := bufio.NewScanner(errs)
	var said string
	for lines.Scan() {
		said += lines.Text() + "\n"
		if found := listens.FindStringSubmatch(lines.Text()); found != nil {
			d.url = "http://" + found[1]
			go func() {
				for lines.Scan() { // else it would wait for a reader
				}
			}()
			return d, nil
		}
	}
	d.kill()
	return nil, fmt.Errorf("popsicle daemon does not listen: %s", said)
}

func (d *running) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, program, args...)
	c.Env = append(os.Environ(), "POPSICLE_HOME="+d.home, "POPSICLE_WEBHOOK_SECRET="+secret)
	return c
}

// kill ends the daemon with SIGKILL, and waits until it is gone.
func (d *running) kill() {
	d.once.Do(func() {
		if d.cmd != nil && d.cmd.Process != nil {
			_ = d.cmd.Process.Kill() // it may be gone
			_ = d.cmd.Wait()
		}
		_ = d.forge.Close()
	})
}

// check looks on the disk for the deliveries of names, of at most n that were
// sent: each is there once, with one pipeline of its own.
func (d *running) check(ctx context.Context, names []string, n int) error {
	history, err := db.Open(ctx, filepath.Join(d.home, "history.db"))
	if err != nil {
		return err
	}
	defer history.Close()
	kept, err := history.Deliveries(ctx, db.DeliveryFilter{Limit: 2*n + 1})
	if err != nil {
		return err
	}
	pipelines, commits := map[string]int64{}, map[string]bool{}
	for _, one := range kept {
		if pipelines[one.GUID] != 0 || commits[one.Commit] || one.Pipeline == 0 {
			return fmt.Errorf("delivery %s is there twice, or without a pipeline", one.GUID)
		}
		pipelines[one.GUID], commits[one.Commit] = one.Pipeline, true
		if o, err := history.Order(ctx, one.Pipeline); err != nil || o.Commit != one.Commit {
			return fmt.Errorf("delivery %s: pipeline #%d is of %s: %w", one.GUID, one.Pipeline, o.Commit, err)
		}
	}
	for _, name := range names {
		if pipelines[name] == 0 {
			return fmt.Errorf("delivery %s got its 202 and is lost", name)
		}
	}
	if len(kept) > n {
		return fmt.Errorf("%d deliveries are kept of %d", len(kept), n)
	}
	return nil
}

// rateTime is how long the disk is measured.
const rateTime = 2 * time.Second

// commitRate is how many rows a second SQLite brings to this disk when each is
// a transaction of its own.
func commitRate(ctx context.Context, dir string) (float64, error) {
	file := filepath.Join(dir, fmt.Sprintf("rate-%d.db", time.Now().UnixNano()))
	one, err := sql.Open("sqlite3", "file:"+file+"?_journal_mode=WAL&_synchronous=FULL")
	if err != nil {
		return 0, err
	}
	defer one.Close()
	one.SetMaxOpenConns(1)
	if _, err := one.ExecContext(ctx, "CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)"); err != nil {
		return 0, err
	}
	began, n := time.Now(), 0
	for time.Since(began) < rateTime {
		if _, err := one.ExecContext(ctx, "INSERT INTO rows (text) VALUES ('a row of some length, as those of deliveries are')"); err != nil {
			return 0, err
		}
		n++
	}
	return float64(n) / time.Since(began).Seconds(), nil
}
