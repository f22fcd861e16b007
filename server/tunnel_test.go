package server

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestThroughATunnelThereIsTheWebhookAlone asks by the name of a tunnel for
// every route: whoever the tunnel is open to gets nothing but the webhook.
func TestThroughATunnelThereIsTheWebhookAlone(t *testing.T) {
	s := newHooks(t)
	s.OpenRead = true
	for _, one := range s.routes() {
		path := strings.NewReplacer(":pipeline", "1", ":job", "1", ":file", "app.js", "*path", "x").Replace(one.path)
		r := httptest.NewRequest(one.method, path, strings.NewReader("{}"))
		r.Host = "random-words.trycloudflare.com"
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		want := http.StatusNotFound
		if path == hookPath {
			want = http.StatusUnauthorized // it has no signature
		}
		if w.Code != want {
			t.Errorf("%s %s: %d, want %d", one.method, path, w.Code, want)
		}
	}
	signed := delivery("ping", `{"zen":"z",`+repo+`}`)
	signed.Host = "random-words.trycloudflare.com"
	if status, _, text := post(t, s, signed); status != http.StatusOK {
		t.Errorf("a signed delivery: %d %s", status, text)
	}
}

// TestHeadersAreNotKept sends a secret in headers, as GitHub itself did for
// some months, and in a query, and looks for it in the log and on the disk.
func TestHeadersAreNotKept(t *testing.T) {
	const canary = "c4n4ry-of-a-header"
	var log bytes.Buffer
	s := newHooks(t)
	s.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	mark := func(h http.Header) {
		for _, name := range []string{"X-Github-Encoded-Secret", "Cookie", "User-Agent", "X-Forwarded-For", "Referer", "X-GitHub-Hook-ID", "Accept"} {
			h.Set(name, canary)
		}
	}
	body := `{"ref":"refs/heads/main","after":"` + some + `",` + repo + `}`
	post(t, s, delivery("push", body, mark))
	post(t, s, delivery("push", body, mark, set("X-Hub-Signature-256", canary)))
	for _, path := range []string{"/api/v1/pipelines?token=" + canary, "/?q=" + canary, "/nowhere"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "localhost"
		mark(r.Header)
		r.Header.Set("Authorization", "Bearer "+canary)
		s.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}
	if strings.Contains(log.String(), canary) || !strings.Contains(log.String(), "delivery") {
		t.Errorf("the log:\n%s", log.String())
	}
	files, err := filepath.Glob(s.History.Path() + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err != nil || bytes.Contains(text, []byte(canary)) {
			t.Errorf("%s holds it, or is not to be read: %v", file, err)
		}
	}
}
