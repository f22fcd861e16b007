package commands

import (
	"errors"
	"log/slog"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/server"
)

// idle is a daemon that takes nothing out of its queue.
func idle(t *testing.T) *daemon {
	t.Helper()
	home := t.TempDir()
	history, err := db.Open(t.Context(), filepath.Join(home, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = history.Close() })
	d := newDaemon(history, home, slog.New(slog.DiscardHandler))
	d.now.Store(&settings{Jobs: 1, Repos: map[string]db.Repo{}})
	return d
}

func (d *daemon) queued(t *testing.T) []db.Order {
	t.Helper()
	all, err := d.history.Waiting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestARerunOfAForkNeedsTheApproval(t *testing.T) {
	d := idle(t)
	first, err := d.enqueue(t.Context(), db.Order{Repo: "a/b", Commit: "c", Hold: true, Pull: &db.Pull{Number: 1, Fork: true}})
	if err != nil {
		t.Fatal(err)
	}
	if o := d.queued(t)[0]; !d.orderOf(o, db.Repo{URL: "u"}).confined {
		t.Error("an order that nobody approved is not confined")
	}
	if err := d.cancel(t.Context(), first, "me"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.rerun(t.Context(), server.Rerun{Pipeline: first, By: "me"}); err != nil {
		t.Fatal(err)
	}
	again := d.queued(t)
	if len(again) != 1 || !again[0].Hold || again[0].Approved {
		t.Fatalf("a rerun of what nobody approved: %+v", again)
	}
	if err := d.approve(t.Context(), again[0].Pipeline, "owner"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.rerun(t.Context(), server.Rerun{Pipeline: again[0].Pipeline, By: "me"}); err != nil {
		t.Fatal(err)
	}
	all := d.queued(t)
	if len(all) != 2 || all[1].Hold || !all[1].Approved || d.orderOf(all[1], db.Repo{URL: "u"}).confined || !d.orderOf(all[1], db.Repo{URL: "u"}).untrusted {
		t.Errorf("a rerun of what was approved: %+v", all)
	}
}

// served makes a repository of one config, and serves it.
func served(t *testing.T, config string) (repo db.Repo, sh func(string)) {
	t.Helper()
	dir := t.TempDir()
	sh = func(script string) {
		t.Helper()
		c := exec.Command("sh", "-ec", script)
		c.Dir = dir
		c.Env = append(os.Environ(), "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@b.c", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@b.c", "CONFIG="+config)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v %s", script, err, out)
		}
	}
	sh(`git init -q -b main; mkdir .popsicle; printf '%s' "$CONFIG" > .popsicle/ci.yml; git add .; git commit -qm one`)
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	forge := httptest.NewServer(&cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"), Env: []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1"},
	})
	t.Cleanup(forge.Close)
	return db.Repo{Name: "acme/app", URL: forge.URL + "/.git"}, sh
}

// TestAnOrderIsTakenOnce looks into the queue between the taking of an order
// and its claim: taken twice, its pipeline could not be canceled any more.
func TestAnOrderIsTakenOnce(t *testing.T) {
	d := idle(t)
	id, err := d.enqueue(t.Context(), db.Order{Repo: "a/b", Commit: "c"})
	if err != nil {
		t.Fatal(err)
	}
	first := &taken{repo: "a/b", cancel: func(error) {}}
	d.running[id] = first
	if err := d.takeAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.works.Wait()
	if d.running[id] != first {
		t.Errorf("it is held by %+v", d.running[id])
	}
	if all := d.queued(t); len(all) != 1 {
		t.Errorf("%d wait", len(all))
	}
}

func TestPollFindsWhatMoved(t *testing.T) {
	d := idle(t)
	r, sh := served(t, "")
	look := func() []db.Order {
		t.Helper()
		if err := d.pollOne(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return d.queued(t)
	}
	if found := look(); len(found) != 0 {
		t.Errorf("the first look finds %+v", found)
	}
	sh("git commit -q --allow-empty -m two; git tag v1; git branch topic")
	found := look()
	if len(found) != 3 {
		t.Fatalf("found %+v", found)
	}
	for _, o := range found {
		if o.Trigger != "poll" || o.Commit != found[0].Commit || o.Moving != (o.Branch == "topic") || o.Tag != "" && o.Tag != "v1" {
			t.Errorf("%+v", o)
		}
	}
	if again := look(); len(again) != 3 {
		t.Errorf("nothing moved, and %d wait", len(again))
	}
	sh("git commit -q --allow-empty -m 'words [skip ci]'")
	if found := look(); len(found) != 3 {
		t.Errorf("a commit that says [skip ci]: %d wait", len(found))
	}
	r.Events = []string{"pull_request"}
	sh("git commit -q --allow-empty -m three")
	if found := look(); len(found) != 3 {
		t.Errorf("a repository whose pushes are not taken: %d wait", len(found))
	}
}

// TestLaunchOfACommit asks for pipelines of commits by their full names: one
// that a branch has runs, one that only a fork may have does not.
func TestLaunchOfACommit(t *testing.T) {
	d := idle(t)
	r, sh := served(t, "")
	d.now.Store(&settings{Jobs: 1, Repos: map[string]db.Repo{"acme/app": r}})
	name := func(rev string) string {
		t.Helper()
		refs, _, err := d.mirror(r).Refs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return refs[rev]
	}
	first := name("refs/heads/main")
	sh("git commit -q --allow-empty -m two; git checkout -q -b topic; git commit -q --allow-empty -m three")
	topic := name("refs/heads/topic")
	sh("git checkout -q --orphan stranger; git commit -q --allow-empty -m four; git update-ref refs/pull/7/head HEAD; git tag stranger")
	strange := name("refs/tags/stranger")
	sh("git tag -d stranger >/dev/null; git checkout -q main; git branch -q -D stranger; git config uploadpack.allowAnySHA1InWant true")
	for commit, branch := range map[string]string{first: "main", topic: "topic"} {
		if _, err := d.launchOrder(t.Context(), server.Order{Repo: "acme/app", Ref: commit, By: "me"}); err != nil {
			t.Fatal(err)
		}
		all := d.queued(t)
		if o := all[len(all)-1]; o.Commit != commit || o.Branch != branch || o.Ref != "refs/heads/"+branch {
			t.Errorf("%s: %+v", branch, o)
		}
	}
	for _, ref := range []string{strange, "1234567890123456789012345678901234567890", "nowhere"} {
		_, err := d.launchOrder(t.Context(), server.Order{Repo: "acme/app", Ref: ref, By: "me"})
		var p *server.Problem
		if !errors.As(err, &p) || p.Status != 422 || !strings.Contains(p.Detail, ref) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if n := len(d.queued(t)); n != 2 {
		t.Errorf("%d wait", n)
	}
}

func TestSchedules(t *testing.T) {
	d := idle(t)
	r, sh := served(t, `version: 2.1
jobs:
  build: {docker: [{image: alpine}], steps: [run: "true"]}
workflows:
  nightly:
    triggers: [schedule: {cron: "30 2 * * *", filters: {branches: {only: main}}}]
    jobs: [build]
  elsewhere:
    triggers: [schedule: {cron: "30 2 * * *", filters: {branches: {only: topic}}}]
    jobs: [build]
  always:
    jobs: [build]
`)
	at := func(clock string) []db.Order {
		t.Helper()
		now, err := time.Parse("15:04", clock)
		if err == nil {
			err = d.runScheduled(t.Context(), r, now)
		}
		if err != nil {
			t.Fatal(err)
		}
		return d.queued(t)
	}
	if found := at("02:29"); len(found) != 0 {
		t.Errorf("at 02:29: %+v", found)
	}
	sh("git commit -q --allow-empty -m newer; git rev-parse HEAD > head")
	found := at("02:30")
	if len(found) != 1 || found[0].Workflow != "nightly" || found[0].Branch != "main" || found[0].Event != "schedule" {
		t.Fatalf("at 02:30: %+v", found)
	}
	sh("test $(cat head) = " + found[0].Commit) // the newest, not the one that was known
}
