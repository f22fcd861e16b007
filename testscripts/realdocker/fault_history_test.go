package realdocker

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// TestFaultHistory spoils the file of the history in every way: the message
// names it and says what to type, and after that the next run passes.
func TestFaultHistory(t *testing.T) {
	t.Parallel()
	p := newPlace(t, threeJobs(images.Busybox(t)))
	var file string
	for name, spoil := range map[string]func() error{
		"is no database": func() error { return os.WriteFile(file, []byte(strings.Repeat("not a database ", 1000)), 0o600) },
		"is damaged": func() error {
			whole, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			clear(whole[4096:])
			return os.WriteFile(file, whole, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := place{t: t, dir: p.dir, home: filepath.Join(t.TempDir(), "home")}
			p.must(0, "run")
			file = filepath.Join(p.home, "history.db")
			p.settle()
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"run"}, {"history"}, {"logs"}, {"gc"}} {
				if said := p.must(3, args...); !strings.Contains(said, "mkdir "+file+".broken && mv "+file) {
					t.Errorf("popsicle %s says %s", args[0], said)
				}
			}
			for _, beside := range []string{"", "-wal", "-shm", "-ballast"} {
				_ = os.Remove(file + beside) // not all are there
			}
			p.must(0, "run")
		})
	}
	t.Run("is a folder", func(t *testing.T) {
		p := place{t: t, dir: p.dir, home: t.TempDir()}
		if err := os.Mkdir(filepath.Join(p.home, "history.db"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"run"}, {"history"}} {
			if said := p.must(3, args...); !strings.Contains(said, "folder") && !strings.Contains(said, "is a directory") {
				t.Errorf("popsicle %s says %s", args[0], said)
			}
		}
	})
	t.Run("is held by another program", func(t *testing.T) {
		p.must(0, "run")
		d := p.openHistory()
		defer d.Close()
		if _, err := d.Exec("BEGIN IMMEDIATE"); err != nil {
			t.Fatal(err)
		}
		p := place{t: t, dir: p.dir, home: p.home}
		if said := p.must(3, "run"); !strings.Contains(said, "another program has held it") || !strings.Contains(said, "fuser "+filepath.Join(p.home, "history.db")) {
			t.Errorf("popsicle run says %s", said)
		}
		p.must(0, "history") // reading waits for nobody
		if _, err := d.Exec("ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		p.must(0, "run")
	})
}

// openHistory opens the history beside popsicle.
func (p place) openHistory() *sql.DB {
	p.t.Helper()
	d, err := sql.Open("sqlite3", "file:"+filepath.Join(p.home, "history.db"))
	if err != nil {
		p.t.Fatal(err)
	}
	d.SetMaxOpenConns(1)
	return d
}

// settle moves all of the history into its one file.
func (p place) settle() {
	p.t.Helper()
	d := p.openHistory()
	defer d.Close()
	if _, err := d.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		p.t.Fatal(err)
	}
}

// TestFaultTwoRunsAtOnce starts runs at the same moment on one home that does
// not exist yet: all pass, each with a number of its own.
func TestFaultTwoRunsAtOnce(t *testing.T) {
	t.Parallel()
	p := newPlace(t, threeJobs(images.Busybox(t)))
	const runs = 3
	var all sync.WaitGroup
	for range runs {
		all.Go(func() {
			if out, err := p.command("run").CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	all.Wait()
	if got := p.statuses(); len(got) != runs || strings.Join(got, " ") != "success success success" {
		t.Errorf("the history says %v", got)
	}
	p.intact()
}
