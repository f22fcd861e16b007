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
	var s struct{ State, Context, Description string }
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil || r.Header.Get("Authorization") != "token gh-s3cret" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	commit := strings.TrimPrefix(r.URL.Path, "/api/v1/repos/acme/app/statuses/")
	a.said = append(a.said, fmt.Sprintf("%s %s %s: %s", commit, s.Context, s.State, s.Description))
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

func TestDaemonTellsCommits(t *testing.T) {
	t.Setenv("GH_ENTERPRISE_TOKEN", "gh-s3cret")
	t.Setenv("GH_CONFIG_DIR", t.TempDir())
	w := newWatch(t, watched(images.Busybox(t), `'test ! -f broken'`))
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

	told := func(commit, begins string) {
		t.Helper()
		w.waitFor(begins, func() bool { return api.has(commit, begins) })
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
	if api.has(mended, "popsicle/main pending") {
		t.Error("the commit was told to wait for what had passed")
	}
}
