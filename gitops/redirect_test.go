package gitops

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// redirecting is a server that sends everything below /old to target.
func redirecting(t *testing.T, target func(r *http.Request) string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target(r), http.StatusMovedPermanently)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestFetchStaysOnItsServer(t *testing.T) {
	var asked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); w.WriteHeader(http.StatusNotFound) }))
	t.Cleanup(other.Close)
	address := redirecting(t, func(r *http.Request) string { return other.URL + r.URL.String() })
	m := &Mirror{Dir: filepath.Join(t.TempDir(), "m"), URL: address + "/app", Login: Login{Token: func(string) string { return "s3cret" }}}
	for what, do := range map[string]func() error{
		"fetch": func() error { return m.Fetch(t.Context(), "refs/heads/main", strings.Repeat("1", 40)) },
		"refs":  func() error { _, _, err := m.Refs(t.Context()); return err },
	} {
		if err := do(); !errors.Is(err, errRedirect) && (err == nil || !strings.Contains(err.Error(), errRedirect.Error())) {
			t.Errorf("%s: %v", what, err)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error tells the token: %v", what, err)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("the other server was asked %d times", asked.Load())
	}
}

func TestFetchFollowsARenamedRepository(t *testing.T) {
	dir, address := forge(t, "")
	head := sh(t, dir, makeApp)
	backend, _ := url.Parse(address)
	behind := http.NewServeMux()
	s := httptest.NewServer(behind)
	t.Cleanup(s.Close)
	behind.HandleFunc("/old/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, s.URL+"/new/"+strings.TrimPrefix(r.URL.RequestURI(), "/old/"), http.StatusMovedPermanently)
	})
	behind.Handle("/new/", http.StripPrefix("/new", httputil.NewSingleHostReverseProxy(backend)))
	m := &Mirror{Dir: filepath.Join(t.TempDir(), "m"), URL: s.URL + "/old/app/.git", Login: Login{}}
	if err := m.Fetch(t.Context(), "refs/heads/main", head); err != nil {
		t.Error(err)
	}
}

func TestAddressesThatAreNoServer(t *testing.T) {
	for _, address := range []string{
		"file:///etc", "/etc/passwd", "ext::sh -c id", "fd::3", "git://host/x", "-oProxyCommand=id:x", ":x", "ssh://-oProxyCommand=id/x", "http://example.com/x",
		"https://token@github.com/a/b", "https:///x", "",
	} {
		if err := ValidURL(address); err == nil {
			t.Errorf("%q is taken", address)
		}
		if err := (&Mirror{Dir: filepath.Join(t.TempDir(), "m"), URL: address}).Fetch(t.Context(), "", strings.Repeat("1", 40)); err == nil {
			t.Errorf("%q is fetched", address)
		}
	}
	for _, address := range []string{"https://github.com/a/b", "ssh://git@h:22/a/b", "git@github.com:a/b.git", "http://127.0.0.1:3000/a/b", "http://localhost/a"} {
		if err := ValidURL(address); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestATokenIsForAHostWithItsPort(t *testing.T) {
	var asked string
	l := Login{Token: func(host string) string { asked = host; return "t" }}
	for address, want := range map[string]string{"http://localhost:3000/a/b": "localhost:3000", "https://github.com/a/b": "github.com", "https://github.com:443/a/b": "github.com"} {
		if _, err := l.auth(t.Context(), address); err != nil || asked != want {
			t.Errorf("%s: %q, %v", address, asked, err)
		}
	}
}
