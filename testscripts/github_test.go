package testscripts

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
)

// github is a strict stand-in for GitHub's API of statuses, where gh's
// configuration says GitHub is. It notes what it takes in .github/statuses,
// and knows no commit before .github/pushed is there:
//
//	github
func github(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: github")
	}
	dir := ts.MkAbs(filepath.Join(ts.Getenv("WORK"), ".github"))
	ts.Check(os.MkdirAll(dir, 0o755))
	sockets, err := os.MkdirTemp("", "hub") // a socket's path must be short
	ts.Check(err)
	socket := filepath.Join(sockets, "s")
	l, err := net.Listen("unix", socket)
	ts.Check(err)
	server := &http.Server{Handler: &hub{dir: dir}, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	ts.Defer(func() {
		_ = server.Close()
		_ = os.RemoveAll(sockets)
	})
	ts.Check(os.WriteFile(filepath.Join(dir, "config.yml"), []byte("http_unix_socket: "+socket+"\n"), 0o600))
	ts.Setenv("GH_CONFIG_DIR", dir)
	ts.Setenv("GH_TOKEN", "gh-s3cret")
}

type hub struct {
	dir string
	mu  sync.Mutex
}

var statusPath = regexp.MustCompile(`^/repos/([^/]+/[^/]+)/statuses/([0-9a-f]{40})$`)

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var s struct {
		State, Description, Context string
		TargetURL                   string `json:"target_url"`
	}
	m := statusPath.FindStringSubmatch(r.URL.Path)
	_, unknown := os.Stat(filepath.Join(h.dir, "pushed"))
	switch {
	case r.Header.Get("Authorization") != "token gh-s3cret":
		refuse(w, 401, "Bad credentials")
	case r.Host != "api.github.com" || r.Method != http.MethodPost || m == nil:
		refuse(w, 404, "Not Found")
	case json.NewDecoder(r.Body).Decode(&s) != nil:
		refuse(w, 400, "Problems parsing JSON")
	case unknown != nil:
		refuse(w, 422, "No commit found for SHA: "+m[2])
	case utf8.RuneCountInString(s.Description) > 140 || s.Context == "":
		refuse(w, 422, "Validation Failed")
	default:
		f, err := os.OpenFile(filepath.Join(h.dir, "statuses"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err == nil {
			fmt.Fprintf(f, "%s %.7s %s %s: %s\n", m[1], m[2], s.Context, s.State, s.Description)
			err = f.Close()
		}
		if err != nil {
			refuse(w, 500, err.Error())
			return
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, "{}")
	}
}

func refuse(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}
