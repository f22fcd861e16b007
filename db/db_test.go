package db

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
)

func TestFilesAreForTheOwnerAlone(t *testing.T) {
	old := umask(0)
	defer umask(old)
	folder := filepath.Join(t.TempDir(), "a", "b")
	d := openAt(t, filepath.Join(folder, "history.db"))
	record(t, d, smallRun()...)
	if _, err := d.Pipelines(t.Context(), PipelineFilter{}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{
		filepath.Dir(folder):                    fs.ModeDir | 0o700,
		folder:                                  fs.ModeDir | 0o700,
		filepath.Join(folder, "history.db"):     0o600,
		filepath.Join(folder, "history.db-wal"): 0o600,
		filepath.Join(folder, "history.db-shm"): 0o600,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
}

func TestNamesThatLookLikeSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?mode=memory#c%20d&é", "history.db")
	d := openAt(t, path)
	record(t, d)
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("%v, %v", info, err)
	}
	readers, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer readers.Close()
	if _, err := readers.Pipeline(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

func TestOpenErrorsSayWhatToDo(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(folder, "newer.db")
	if _, err := openAt(t, newer).write.Exec("PRAGMA user_version = 999"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, want string
	}{
		{filepath.Join(file, "history.db"), "POPSICLE_HOME"},
		{folder, "is a directory"},
		{file, "move the file aside"},
		{newer, "update popsicle"},
	} {
		if d, err := Open(t.Context(), c.path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path) {
			t.Errorf("opening %s: %v, %v", c.path, d, err)
		}
	}
	for _, path := range []string{file, newer} {
		if d, err := OpenReadOnly(t.Context(), path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("reading %s: %v, %v", path, d, err)
		}
	}
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "history.db")
	empty, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	if found, err := empty.Pipelines(t.Context(), PipelineFilter{}); err != nil || len(found) > 0 {
		t.Errorf("an empty history has %v, %v", found, err)
	}
	if _, err := empty.Pipeline(t.Context(), 1); !isNotFound(err) {
		t.Errorf("#1 of an empty history: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("reading made a folder")
	}

	d := openAt(t, path)
	readers, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer readers.Close()
	for want := range int64(3) { // also what is written after it was opened
		record(t, d, smallRun()...)
		if found, err := readers.Pipelines(t.Context(), PipelineFilter{Limit: 1}); err != nil || found[0].ID != want+1 {
			t.Errorf("the newest is %v, %v", found, err)
		}
	}
	for _, d := range []*DB{empty, readers} {
		if _, err := d.NewPipeline(t.Context(), ""); err == nil {
			t.Error("a history that is read only makes pipelines")
		}
	}
}

func TestReadOnlyMigratesOldFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil { // version 0
		t.Fatal(err)
	}
	d, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Pipelines(t.Context(), PipelineFilter{}); err != nil {
		t.Error(err)
	}
}

func TestManyMakeTheSameHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			d, err := Open(context.Background(), path)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := d.NewPipeline(context.Background(), ""); err != nil {
				t.Error(err)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if found, err := openAt(t, path).Pipelines(t.Context(), PipelineFilter{}); err != nil || len(found) != 8 || found[0].ID != 8 {
		t.Errorf("%d pipelines, %v", len(found), err)
	}
}

// TestStatusesAreEvents holds the words of the schema against those of the
// events.
func TestStatusesAreEvents(t *testing.T) {
	d := open(t)
	words := []event.Status{
		event.Queued, event.Running, event.OnHold, event.Success, event.Failed, event.Canceled,
		event.NotRun, event.TimedOut, event.InfrastructureFail, event.Interrupted,
	}
	for _, word := range words {
		id := record(t, d,
			event.PipelineStarted{At: jobAt(0, 0), Workflows: []string{"main"}},
			event.StepFinished{At: stepAt(1, 1, 0), Status: word},
			event.JobFinished{At: jobAt(1, 0), Status: word},
			event.WorkflowFinished{At: jobAt(0, 0), Status: word},
			event.PipelineFinished{At: jobAt(0, 0), Status: word})
		if p, err := d.Pipeline(t.Context(), id); err != nil || word.Ended() && p.Status != word {
			t.Errorf("%s became %s, %v", word, p.Status, err)
		}
	}
	record(t, d, event.StepFinished{At: stepAt(1, 1, 0), Status: event.Skipped})
	if _, err := d.write.Exec("UPDATE pipelines SET status = 'green'"); err == nil {
		t.Error("a pipeline may be green")
	}
}

func TestCloseAbandoned(t *testing.T) {
	d := open(t)
	record(t, d, smallRun()...)
	dead, err := d.NewPipeline(t.Context(), "dead")
	if err != nil {
		t.Fatal(err)
	}
	r := d.Recorder(dead)
	at := stepAt(2, 1, 0)
	handle(t, r, event.PipelineStarted{At: event.At{Time: clock}, Workflows: []string{"main"}},
		event.JobQueued{At: jobAt(1, 0)}, event.JobFinished{At: jobAt(1, 0), Status: event.Success},
		event.JobQueued{At: jobAt(2, 0)}, event.JobStarted{At: jobAt(2, 0)}, event.JobQueued{At: jobAt(3, 0)},
		event.StepStarted{At: at}, event.Output{At: at, Text: "last words"})
	waitFor(t, func() bool {
		jobs, err := d.Jobs(t.Context(), dead)
		return err == nil && len(jobs) == 3 && wholeLog(t, d, jobs[1].ID)[1] == "last words"
	})
	living, err := d.NewPipeline(t.Context(), "living")
	if err != nil {
		t.Fatal(err)
	}

	for _, want := range [][]int64{{dead}, nil} {
		closed, err := d.CloseAbandoned(t.Context(), func(lease string) bool { return lease == "living" })
		if err != nil {
			t.Fatal(err)
		}
		same(t, closed, want)
	}
	p, err := d.Pipeline(t.Context(), dead)
	if err != nil || p.Status != event.Interrupted || !p.End.Equal(clock) {
		t.Errorf("#%d is %s since %v, %v; want its last sign of life, %v", dead, p.Status, p.End, err, clock)
	}
	same(t, p.Jobs, map[event.Status]int{event.Success: 1, event.Interrupted: 2})
	jobs, err := d.Jobs(t.Context(), dead)
	if err != nil {
		t.Fatal(err)
	}
	page, err := d.Lines(t.Context(), LogQuery{Job: jobs[1].ID})
	if err != nil || !page.Ended || string(page.Pieces[0].Text) != "last words" || jobs[1].LogBytes != 10 {
		t.Errorf("%+v, %v", page, err)
	}
	if p, err := d.Pipeline(t.Context(), living); err != nil || p.Status != event.Queued {
		t.Errorf("the living one is %s, %v", p.Status, err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPipelineFilters(t *testing.T) {
	d := open(t)
	for i, p := range []event.PipelineStarted{
		{Repo: "o/a", Root: "/a", Branch: "main", Commit: "aaaa11", Trigger: "cli"},
		{Repo: "o/a", Root: "/a", Branch: "dev", Commit: "aaaa22", Trigger: "webhook"},
		{Repo: "o/b", Root: "/b", Branch: "main", Commit: "bbbb11", Trigger: "cli"},
		{Repo: "o/a", Root: "/copy", Tag: "v1", Commit: "aaaa11", Trigger: "api"},
	} {
		p.At = jobAt(0, 0)
		status := event.Success
		if i == 1 {
			status = event.Failed
		}
		record(t, d, p, event.PipelineFinished{At: p.At, Status: status})
	}
	for _, c := range []struct {
		filter PipelineFilter
		want   []int64
	}{
		{PipelineFilter{}, []int64{4, 3, 2, 1}},
		{PipelineFilter{Limit: 2}, []int64{4, 3}},
		{PipelineFilter{Limit: 2, Before: 3}, []int64{2, 1}},
		{PipelineFilter{Repo: "o/a"}, []int64{4, 2, 1}},
		{PipelineFilter{Repo: "o/a", Before: 4, Limit: 1}, []int64{2}},
		{PipelineFilter{Root: "/a"}, []int64{2, 1}},
		{PipelineFilter{Branch: "main"}, []int64{3, 1}},
		{PipelineFilter{Repo: "o/a", Branch: "main"}, []int64{1}},
		{PipelineFilter{Tag: "v1"}, []int64{4}},
		{PipelineFilter{Trigger: "cli"}, []int64{3, 1}},
		{PipelineFilter{Status: event.Failed}, []int64{2}},
		{PipelineFilter{Status: event.Success, Repo: "o/a"}, []int64{4, 1}},
		{PipelineFilter{Commit: "aaaa11"}, []int64{4, 1}},
		{PipelineFilter{Commit: "aaaa"}, []int64{4, 2, 1}},
		{PipelineFilter{Commit: "aaaa", Root: "/copy"}, []int64{4}},
		{PipelineFilter{Commit: "cccc"}, nil},
		{PipelineFilter{Repo: "o/c"}, nil},
	} {
		found, err := d.Pipelines(t.Context(), c.filter)
		if err != nil {
			t.Fatal(err)
		}
		var ids []int64
		for _, p := range found {
			ids = append(ids, p.ID)
		}
		if fmt.Sprint(ids) != fmt.Sprint(c.want) {
			t.Errorf("%+v finds %v, want %v", c.filter, ids, c.want)
		}
	}
}

// TestListsAreReadFromAnIndex looks at how SQLite means to find what is
// asked for: never by sorting, and by going through a table only where all of
// it is asked for, newest first.
func TestListsAreReadFromAnIndex(t *testing.T) {
	d := open(t)
	for _, c := range []struct {
		filter PipelineFilter
		want   string
		sorted bool
	}{
		{PipelineFilter{}, "SCAN p", false},
		{PipelineFilter{Before: 7}, "SEARCH p USING INTEGER PRIMARY KEY", false},
		{PipelineFilter{Repo: "r", Before: 7}, "SEARCH p USING INDEX pipelines_by_repo (repo=? AND id<?)", false},
		{PipelineFilter{Repo: "r", Status: "failed", Branch: "b"}, "SEARCH p USING INDEX pipelines_by_repo (repo=?)", false},
		{PipelineFilter{Root: "r", Repo: "r"}, "SEARCH p USING INDEX pipelines_by_root (root=?)", false},
		{PipelineFilter{Status: "failed", Before: 7}, "SEARCH p USING INDEX pipelines_by_status (status=? AND rowid<?)", false},
		{PipelineFilter{Commit: "abc"}, "SEARCH p USING INDEX pipelines_by_commit (commit_sha>? AND commit_sha<?)", true},
	} {
		query, args := c.filter.query()
		plan := strings.Join(explain(t, d, query, args...), "\n")
		if !strings.Contains(plan, c.want) || strings.Contains(plan, "FOR ORDER BY") != c.sorted {
			t.Errorf("%+v:\n%s\nwant %s", c.filter, plan, c.want)
		}
		if !strings.Contains(plan, "USING COVERING INDEX jobs_by_status (pipeline_id=?)") {
			t.Errorf("jobs are counted otherwise:\n%s", plan)
		}
	}
}

func explain(t *testing.T, d *DB, query string, args ...any) []string {
	t.Helper()
	rows, err := d.read.Query("EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := collect(rows, func(scan func(...any) error) (line string, err error) {
		var id, parent, unused int
		err = scan(&id, &parent, &unused, &line)
		return line, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestMigrationsAreNumberedInOrder(t *testing.T) {
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		if want := fmt.Sprintf("%04d_", i+1); !strings.HasPrefix(f.Name(), want) {
			t.Errorf("migration %d is %s: its name must begin with %s", i+1, f.Name(), want)
		}
	}
}
