package ghstatus

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"
)

// A hub is a strict stand-in for GitHub's API.
type hub struct {
	answers []func(http.ResponseWriter) // one a request; none left: 201
	got     []map[string]string
}

var statusPath = regexp.MustCompile(`^/(?:api/v[13]/)?repos/([^/]+/[^/]+)/statuses/([0-9a-f]{40})$`)

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(h.answers) > 0 {
		answer := h.answers[0]
		h.answers = h.answers[1:]
		answer(w)
		return
	}
	body := map[string]string{}
	text, _ := io.ReadAll(r.Body)
	m := statusPath.FindStringSubmatch(r.URL.Path)
	switch err := json.Unmarshal(text, &body); {
	case r.Header.Get("Authorization") != "token s3cret":
		problem(w, 401, "Bad credentials")
	case m == nil || r.Method != http.MethodPost:
		problem(w, 404, "Not Found")
	case err != nil:
		problem(w, 400, "Problems parsing JSON")
	case utf8.RuneCountInString(body["description"]) > 140:
		problem(w, 422, "description is too long (maximum is 140 characters)")
	case body["target_url"] != "" && !strings.HasPrefix(body["target_url"], "http"):
		problem(w, 422, "target_url must use http(s) scheme")
	case !strings.Contains("pending success failure error", body["state"]) || body["context"] == "":
		problem(w, 422, "Validation Failed")
	default:
		body["repo"], body["sha"] = m[1], m[2]
		h.got = append(h.got, body)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, "{}")
	}
}

func problem(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

// reply makes an answer with headers.
func reply(code int, message string, headers ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		problem(w, code, message)
	}
}

// answering is the hub of the test that runs: go-gh reads gh's configuration
// once a process, so that all tests share one socket.
var answering atomic.Pointer[hub]

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ghstatus")
	if err != nil {
		panic(err)
	}
	socket := filepath.Join(dir, "hub")
	if err := os.WriteFile(filepath.Join(dir, "config.yml"), []byte("http_unix_socket: "+socket+"\n"), 0o600); err != nil {
		panic(err)
	}
	os.Setenv("GH_CONFIG_DIR", dir)
	l, err := net.Listen("unix", socket)
	if err != nil {
		panic(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answering.Load().ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(l) }()
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// newHub is the hub where gh's configuration says GitHub is.
func newHub(t *testing.T, answers ...func(http.ResponseWriter)) *hub {
	t.Helper()
	h := &hub{answers: answers}
	answering.Store(h)
	t.Setenv("GH_TOKEN", "s3cret")
	t.Setenv("GH_ENTERPRISE_TOKEN", "s3cret")
	return h
}

var sha = strings.Repeat("a1", 20)

func TestPost(t *testing.T) {
	clock := func() time.Time { return noon }
	tests := []struct {
		name   string
		answer func(http.ResponseWriter)
		want   Verdict
		wait   time.Duration
		text   string
	}{
		{"taken", nil, Posted, 0, ""},
		{"too many requests", reply(429, "slow down", "Retry-After", "17"), Later, 17 * time.Second, "slow down"},
		{"the primary limit", reply(403, "API rate limit exceeded", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", fmt.Sprint(noon.Add(time.Minute).Unix())), Later, time.Minute, "rate limit"},
		{"the secondary limit", reply(403, "You have exceeded a secondary rate limit"), Later, 0, "secondary"},
		{"no rights", reply(403, "Resource not accessible by personal access token"), Refused, 0, "gh auth refresh"},
		{"not pushed yet", reply(422, "No commit found for SHA: "+sha), Unknown, 0, "No commit found"},
		{"the thousand and first", reply(422, "This SHA and context has reached the maximum number of statuses."), Refused, 0, "maximum number"},
		{"bad credentials", reply(401, "Bad credentials"), Later, 0, "gh auth login"},
		{"not there", reply(404, "Not Found"), Refused, 0, "not there"},
		{"renamed", reply(301, "Moved Permanently", "Location", "https://api.github.com/repositories/1"), Refused, 0, "another name"},
		{"down", reply(502, "Bad Gateway"), Later, 0, "502"},
	}
	for _, tt := range tests {
		for _, host := range []string{"github.com", "github.example.com"} {
			t.Run(tt.name+" at "+host, func(t *testing.T) {
				h := newHub(t)
				if tt.answer != nil {
					h.answers = append(h.answers, tt.answer)
				}
				c := &Client{now: clock}
				s := Status{Target: Target{host, "o/r", sha}, Context: "popsicle/main", State: Success, Description: shorten(strings.Repeat("x", 300)), TargetURL: "http://127.0.0.1:1/p/7"}
				a := c.Post(t.Context(), s)
				if a.Verdict != tt.want || a.Wait != tt.wait || !strings.Contains(a.Text, tt.text) {
					t.Errorf("%+v", a)
				}
				if strings.Contains(a.Text, "s3cret") {
					t.Error("the answer tells the token")
				}
				if tt.want == Posted && (len(h.got) != 1 || h.got[0]["repo"] != "o/r" || h.got[0]["sha"] != sha || h.got[0]["state"] != "success") {
					t.Errorf("the host got %v", h.got)
				}
			})
		}
	}
}

// TestPostElsewhere is about a server whose API is not where GitHub's is.
func TestPostElsewhere(t *testing.T) {
	h := newHub(t)
	const host = "127.0.0.1:3000"
	c := &Client{Base: func(h string) string { return "http://" + h + "/api/v1" }}
	a := c.Post(t.Context(), Status{Target: Target{host, "o/r", sha}, Context: "popsicle/main", State: Pending})
	if a.Verdict != Posted || len(h.got) != 1 {
		t.Errorf("%+v, got %v", a, h.got)
	}
}

// TestHints: what to do is told in the words of the server that says no.
func TestHints(t *testing.T) {
	for _, tt := range []struct {
		host, base string
		answer     func(http.ResponseWriter)
		want       string
	}{
		{"github.com", "", reply(401, "no"), "gh auth login, or set GH_TOKEN"},
		{"github.com", "", reply(404, "no"), "gh auth refresh --scopes repo"},
		{"git.example", "", reply(401, "no"), "gh auth login --hostname git.example"},
		{"git.example", "", reply(404, "no"), "name its API under apis in daemon.yml"},
		{"git.example", "http://git.example/api/v1", reply(401, "no"), "set GH_ENTERPRISE_TOKEN"},
		{"git.example", "http://git.example/api/v1", reply(403, "no"), "write:repository"},
	} {
		newHub(t, tt.answer)
		c := &Client{Base: func(string) string { return tt.base }}
		a := c.Post(t.Context(), Status{Target: Target{tt.host, "o/r", sha}})
		if !strings.Contains(a.Text, tt.want) || tt.base != "" && strings.Contains(a.Text, "gh auth") {
			t.Errorf("%s at %q: %s", tt.host, tt.base, a.Text)
		}
	}
}

// TestPostOfACommitThatGiteaHasNot: it answers as if it were broken, so it is
// asked for the commit.
func TestPostOfACommitThatGiteaHasNot(t *testing.T) {
	for name, c := range map[string]struct {
		base string
		asks []func(http.ResponseWriter)
		want Verdict
	}{
		"not pushed yet":      {"http://git.example/api/v1", []func(http.ResponseWriter){reply(500, ""), reply(404, "not found")}, Unknown},
		"it is there":         {"http://git.example/api/v1/", []func(http.ResponseWriter){reply(500, ""), reply(200, "")}, Later},
		"broken altogether":   {"http://git.example/api/v1", []func(http.ResponseWriter){reply(502, ""), reply(502, "")}, Later},
		"GitHub is not asked": {"", []func(http.ResponseWriter){reply(500, ""), reply(404, "")}, Later},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, c.asks...)
			client := &Client{Base: func(string) string { return c.base }}
			a := client.Post(t.Context(), Status{Target: Target{"git.example", "o/r", sha}, Context: "popsicle/main", State: Success})
			if a.Verdict != c.want {
				t.Errorf("%+v", a)
			}
			if asked := len(c.asks) - len(h.answers); asked != 2 && c.base != "" || asked != 1 && c.base == "" {
				t.Errorf("it was asked %d times", asked)
			}
		})
	}
}

func TestPostWithoutCredentials(t *testing.T) {
	for _, name := range []string{"GH_TOKEN", "GITHUB_TOKEN"} {
		t.Setenv(name, "")
	}
	t.Setenv("GH_PATH", "/bin/false")
	a := new(Client).Post(t.Context(), Status{Target: Target{"github.com", "o/r", sha}})
	if a.Verdict != Later || !strings.Contains(a.Text, "gh auth login") {
		t.Errorf("%+v", a)
	}
}

// TestPostGivesUp is about a server that never answers.
func TestPostGivesUp(t *testing.T) {
	hang := make(chan struct{})
	newHub(t, func(http.ResponseWriter) { <-hang })
	t.Cleanup(func() { close(hang) })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if a := new(Client).Post(ctx, Status{Target: Target{"github.com", "o/r", sha}}); a.Verdict != Later {
		t.Errorf("%+v", a)
	}
}
