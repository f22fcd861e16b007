package realdocker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// An apiServer takes commit statuses as Gitea does: over http, at /api/v1.
type apiServer struct {
	mu   sync.Mutex
	said []string
}

func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var s struct {
		State, Context, Description string
		TargetURL                   string `json:"target_url"`
	}
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil || r.Header.Get("Authorization") != "token gh-s3cret" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	commit := strings.TrimPrefix(r.URL.Path, "/api/v1/repos/acme/app/statuses/")
	a.said = append(a.said, fmt.Sprintf("%s %s %s: %s %s", commit, s.Context, s.State, s.Description, s.TargetURL))
	w.WriteHeader(http.StatusCreated)
	fmt.Fprint(w, "{}")
}

// has says whether a status of a commit came that begins like this.
func (a *apiServer) has(commit, begins string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.said {
		if strings.HasPrefix(s, commit+" "+begins) {
			return true
		}
	}
	return false
}

// newTelling is a watch whose daemon tells commits how they are, and who hears
// it.
func newTelling(t *testing.T, files map[string]string) (*watch, *apiServer) {
	t.Helper()
	t.Setenv("GH_ENTERPRISE_TOKEN", "gh-s3cret")
	t.Setenv("GH_CONFIG_DIR", t.TempDir())
	w := newWatch(t, files)
	api := &apiServer{}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	remote, err := url.Parse(w.sh("git remote get-url origin"))
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("url: https://ci.example.com\napis:\n  %q: %s/api/v1\n", remote.Host, server.URL)
	if err := os.WriteFile(filepath.Join(w.home, "daemon.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	w.end(syscall.SIGTERM)
	w.start()
	return w, api
}

// told waits until a commit is told something that begins like this.
func (w *watch) told(api *apiServer, commit, begins string) {
	w.t.Helper()
	w.waitFor(begins, func() bool { return api.has(commit, begins) })
}

// ends says whether a status of a commit ends like this.
func (a *apiServer) ends(commit, with string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.said {
		if strings.HasPrefix(s, commit+" ") && strings.HasSuffix(s, with) {
			return true
		}
	}
	return false
}

func TestDaemonTellsCommits(t *testing.T) {
	w, api := newTelling(t, watched(images.Busybox(t), `'test ! -f broken'`))
	told := func(commit, begins string) {
		t.Helper()
		w.told(api, commit, begins)
	}
	first := w.push("refs/heads/main")
	told(first, "popsicle/main success: 1 job passed in ")
	broken := w.sh("touch broken; git add .; git commit -qm broken; git rev-parse HEAD")
	w.push("refs/heads/main")
	told(broken, `popsicle/main failure: build failed at "test ! -f broken" (exit 1) in `)

	// Tested dirty, then committed and pushed: green without another run.
	w.sh("git rm -q broken; echo new > file; git add .")
	w.must(0, "run")
	mended := w.sh("git commit -qm mended; git rev-parse HEAD")
	w.push("refs/heads/main")
	told(mended, "popsicle/main success: 1 job passed in ")
	w.await("success", "failed", "success", "success")
	if shown := w.must(0, "show", "4", "--json"); !strings.Contains(shown, "#3 has tested this tree: it is not run again") {
		t.Errorf("show says:\n%s", shown)
	}
	// Neither the token nor the webhooks' secret is written anywhere.
	w.end(syscall.SIGTERM)
	if strings.Contains(w.log.String(), "s3cret") || w.sh("grep -rl s3cret '"+w.home+"' || true") != "" {
		t.Errorf("a secret is in the log, or in one of %s", w.sh("grep -rl s3cret '"+w.home+"' || true"))
	}
	if api.has(mended, "popsicle/main pending") {
		t.Error("the commit was told to wait for what had passed")
	}
}

// TestDaemonTellsCommitsOfWhichNothingRan pushes a config that is wrong, a
// commit that is gone, and more than the daemon takes.
func TestDaemonTellsCommitsOfWhichNothingRan(t *testing.T) {
	w, api := newTelling(t, watched(images.Busybox(t), "true"))
	right := w.sh("git rev-parse HEAD")
	wrong := w.sh("printf 'version: 2.1\njobs: 3\nworkflows: 4\n' > .popsicle/ci.yml; git commit -qam wrong; git rev-parse HEAD")
	w.push("refs/heads/main")
	w.told(api, wrong, "popsicle error: .popsicle/ci.yml:2:7: ")
	w.await("failed")
	if !api.has(wrong, "popsicle error: .popsicle/ci.yml:2:7: ") || !api.ends(wrong, " https://ci.example.com/pipelines/1") {
		t.Errorf("said: %q", api.said)
	}

	const gone = "1234567890123456789012345678901234567890"
	body := `{"ref":"refs/heads/main","after":"` + gone + `","head_commit":{"id":"` + gone + `","message":"m"},"repository":{"id":1,"full_name":"acme/app","default_branch":"main"}}`
	if status, text := w.post("push", body); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, text)
	}
	w.told(api, gone, "popsicle error: the commit is not at the server any more")

	// A server that is away, and then is not: nothing of the error stays.
	w.sh("git reset -q --hard " + right + "; echo later > later; git add .; git commit -qm later")
	hidden := w.sh("mv .git/objects .git/hidden; mkdir .git/objects; cat .git/refs/heads/main")
	body = `{"ref":"refs/heads/main","after":"` + hidden + `","head_commit":{"id":"` + hidden + `","message":"m"},"repository":{"id":1,"full_name":"acme/app","default_branch":"main"}}`
	if status, text := w.post("push", body); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, text)
	}
	w.told(api, hidden, "popsicle error: ")
	w.sh("rmdir .git/objects; mv .git/hidden .git/objects")
	if status, text := w.post("push", strings.Replace(body, `"m"`, `"again"`, 1)); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, text)
	}
	w.told(api, hidden, "popsicle success: a later pipeline could begin")
	w.told(api, hidden, "popsicle/main success: ")

	// More than max_size, in MB.
	config, err := os.ReadFile(filepath.Join(w.home, "daemon.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.home, "daemon.yml"), append(config, "max_size: 1\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	w.end(syscall.SIGTERM)
	w.start()
	w.sh("head -c 3000000 /dev/urandom > large; git add .; git commit -qm large")
	w.told(api, w.push("refs/heads/main"), "popsicle") // it may come through before its size is seen
	more := w.sh("git commit -q --allow-empty -m more; git rev-parse HEAD")
	w.push("refs/heads/main")
	w.told(api, more, "popsicle error: the repository is larger than its popsicle daemon takes")
}
