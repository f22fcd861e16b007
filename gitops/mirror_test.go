package gitops

import (
	"context"
	"errors"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// forge serves the repositories in a folder as a git server does, to who
// knows the token, and counts the requests.
func forge(t *testing.T, token string) (dir, address string) {
	t.Helper()
	backend, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	serve := &cgi.Handler{Path: filepath.Join(strings.TrimSpace(string(backend)), "git-http-backend"), Env: []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1"}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != token {
			w.Header().Set("WWW-Authenticate", `Basic realm="forge"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		serve.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return dir, s.URL
}

// sh runs a script in dir and returns what it printed.
func sh(t *testing.T, dir, script string) string {
	t.Helper()
	c := exec.Command("sh", "-ec", script)
	c.Dir = dir
	c.Env = append(os.Environ(), "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=protocol.file.allow", "GIT_CONFIG_VALUE_0=always")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

const makeApp = `git init -q -b main app; cd app; echo one > file; git add .; git commit -qm one; git update-server-info; git rev-parse HEAD`

func treeOf(t *testing.T, m *Mirror, commit string) *Tree {
	t.Helper()
	repo, err := Open(t.Context(), m.Dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := repo.Snapshot(t.Context(), Source{Kind: Commit, Rev: commit})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := s.Tree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestMirror(t *testing.T) {
	dir, address := forge(t, "t0ken")
	first := sh(t, dir, makeApp)
	m := &Mirror{Dir: filepath.Join(t.TempDir(), "a", "b"), URL: address + "/app/.git", Login: Login{Token: func(string) string { return "t0ken" }}}
	if err := m.Fetch(t.Context(), "refs/heads/main", first); err != nil {
		t.Fatal(err)
	}
	tree := treeOf(t, m, first)
	if want := sh(t, dir, "cd app; git rev-parse HEAD^{tree}"); tree.Hash != want || !tree.EqualsCommit {
		t.Errorf("tree %s, want %s", tree.Hash, want)
	}
	repo, _ := Open(t.Context(), m.Dir)
	s, err := repo.Snapshot(t.Context(), Source{Kind: Commit, Rev: first})
	if err != nil || s.Head().DefaultBranch != "main" || !strings.HasPrefix(s.Head().RemoteURL, address) {
		t.Errorf("head: %+v, %v", s.Head(), err)
	}

	forced := sh(t, dir, "cd app; echo two > file; git commit -qa --amend -m two; git rev-parse HEAD")
	if err := m.Fetch(t.Context(), "refs/heads/main", forced); err != nil {
		t.Errorf("a forced push: %v", err)
	}
	if err := m.Fetch(t.Context(), "refs/heads/main", first); err != nil {
		t.Errorf("what is here: %v", err)
	}
	tagged := sh(t, dir, "cd app; git checkout -q --detach; echo three > file; git commit -qam three; git tag -am v1 v1; git checkout -q main; git rev-parse v1^{commit}")
	if err := m.Fetch(t.Context(), "refs/tags/v1", tagged); err != nil {
		t.Errorf("a tag on no branch: %v", err)
	}
	pull := sh(t, dir, "cd app; git checkout -q --detach; echo four > file; git commit -qam four; git update-ref refs/pull/7/head HEAD; git checkout -q main; git rev-parse refs/pull/7/head")
	if err := m.Fetch(t.Context(), "refs/pull/7/head", pull); err != nil {
		t.Errorf("a pull request: %v", err)
	}
	if err := m.Fetch(t.Context(), "refs/heads/main", strings.Repeat("1", 40)); !errors.Is(err, ErrNoCommit) {
		t.Errorf("a commit that is not there: %v", err)
	}
	refs, branch, err := m.Refs(t.Context())
	if err != nil || branch != "main" || refs["refs/tags/v1"] != tagged || refs["refs/heads/main"] != forced {
		t.Errorf("refs: %v, %s, %v", refs, branch, err)
	}
	if text := sh(t, m.Dir, "cat .git/config; ls"); strings.Contains(text, "t0ken") || strings.Contains(text, "\nfile") {
		t.Errorf("the mirror holds what it should not:\n%s", text)
	}
}

func TestMirrorFetchesAtOnce(t *testing.T) {
	dir, address := forge(t, "")
	sh(t, dir, makeApp)
	m := &Mirror{Dir: filepath.Join(t.TempDir(), "m"), URL: address + "/app/.git"}
	var commits []string
	for range 6 {
		commits = append(commits, sh(t, dir, "cd app; date +%N >> file; git commit -qam more; git rev-parse HEAD"))
	}
	var all sync.WaitGroup
	for _, c := range commits {
		all.Go(func() {
			if err := m.Fetch(t.Context(), "refs/heads/main", c); err != nil {
				t.Error(err)
				return
			}
			treeOf(t, m, c)
		})
	}
	all.Wait()
}

func TestMirrorRefusals(t *testing.T) {
	dir, address := forge(t, "right")
	commit := sh(t, dir, makeApp)
	at := func(url string) *Mirror {
		return &Mirror{Dir: filepath.Join(t.TempDir(), "m"), URL: url, Login: Login{Token: func(string) string { return "wrong-token" }}}
	}
	err := at(address+"/app/.git").Fetch(t.Context(), "refs/heads/main", commit)
	if err == nil || !strings.Contains(err.Error(), "may not read it") || strings.Contains(err.Error(), "wrong-token") {
		t.Errorf("a wrong token: %v", err)
	}
	touched := filepath.Join(t.TempDir(), "touched")
	for _, url := range []string{"file://" + dir + "/app", dir + "/app", "ext::sh -c touch% " + touched, "http://203.0.113.1/a/b", "https://u:secret@h/a/b",
		"https://token@h/a/b", "-oProxyCommand=touch:x", "ssh://-oProxyCommand=x/a", "ftp://h/a", "://", ""} {
		err := at(url).Fetch(t.Context(), "refs/heads/main", commit)
		if err == nil || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := os.Stat(touched); err == nil {
		t.Error("an address was run")
	}
}

func TestMirrorTooLarge(t *testing.T) {
	dir, address := forge(t, "")
	commit := sh(t, dir, makeApp+"; head -c 6000000 /dev/urandom > large; git add .; git commit -qm large; git rev-parse HEAD")
	commit = commit[len(commit)-40:]
	m := &Mirror{Dir: filepath.Join(t.TempDir(), "m"), URL: address + "/app/.git", MaxBytes: 1}
	if err := m.Fetch(t.Context(), "refs/heads/main", commit); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v", err)
	}
}

func TestMirrorSubmodules(t *testing.T) {
	dir, address := forge(t, "")
	sh(t, dir, `git init -q -b main lib; cd lib; echo lib > lib.txt; git add .; git commit -qm lib`)
	commit := sh(t, dir, makeApp+`; git submodule -q add ../lib vendor/lib; git config -f .gitmodules submodule.vendor/lib.url ../../lib/.git
		git submodule -q add ../lib other; git config -f .gitmodules submodule.other.url https://elsewhere.example/lib; git add .; git commit -qm sub; git rev-parse HEAD`)
	commit = commit[len(commit)-40:]
	m := &Mirror{Dir: filepath.Join(t.TempDir(), "m"), URL: address + "/app/.git"}
	if err := m.Fetch(t.Context(), "refs/heads/main", commit); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range treeOf(t, m, commit).Files {
		paths = append(paths, f.Path)
	}
	if got := strings.Join(paths, " "); got != ".gitmodules file other vendor/lib vendor/lib/lib.txt" {
		t.Errorf("files: %s", got)
	}
}

func TestMirrorEnds(t *testing.T) {
	hang := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer s.Close()
	defer close(hang)
	ctx, cancel := context.WithCancel(t.Context())
	m := &Mirror{Dir: filepath.Join(t.TempDir(), "m"), URL: s.URL + "/app"}
	ended := make(chan error, 1)
	go func() { ended <- m.Fetch(ctx, "refs/heads/main", strings.Repeat("1", 40)) }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
