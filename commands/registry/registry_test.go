package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// fake answers the registry's GraphQL.
func fake(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	c, err := New(s.URL+"/graphql-unstable/", "popsicle/test", "")
	if err != nil {
		t.Fatal(err)
	}
	c.pause = time.Millisecond
	return c
}

func TestOrbAsksAsTheAPIWantsIt(t *testing.T) {
	c := fake(t, func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Query     string
			Variables map[string]string
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		if r.Method != http.MethodPost || r.URL.Path != "/graphql-unstable" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("User-Agent") != "popsicle/test" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		if !strings.Contains(asked.Query, "orbVersion(orbVersionRef: $orbVersionRef)") || asked.Variables["orbVersionRef"] != "a/b@1" {
			t.Errorf("asked %+v", asked)
		}
		fmt.Fprint(w, `{"data":{"orbVersion":{"version":"1.2.3","source":"version: 2.1\n"}}}`)
	})
	orb, err := c.Orb(t.Context(), "a/b@1")
	if err != nil || orb.Version != "1.2.3" || string(orb.Source) != "version: 2.1\n" {
		t.Errorf("%+v, %v", orb, err)
	}
}

func TestOrbErrors(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"no such orb":     {200, `{"data":{"orbVersion":null}}`, "there is no such orb"},
		"an error":        {200, `{"data":{"orbVersion":null},"errors":[{"message":"Cannot\n find it"}]}`, "says: Cannot find it"},
		"no JSON":         {200, `<html>`, "does not speak GraphQL"},
		"no source":       {200, `{"data":{"orbVersion":{"version":"1.0.0","source":" "}}}`, "without a source"},
		"a large source":  {200, `{"data":{"orbVersion":{"version":"1.0.0","source":"` + strings.Repeat("x", MaxSource+1) + `"}}}`, "the limit is"},
		"a large answer":  {200, strings.Repeat(" ", 6*MaxSource+1), "more than"},
		"a broken server": {503, "come\x1b[31m back " + strings.Repeat("é", 300), "503 Service Unavailable: come"},
		"no registry":     {404, "", "404"},
	} {
		client := fake(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
		})
		_, err := client.Orb(t.Context(), "a/b@1")
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("%s: %v", name, err)
		}
		if missing := c.want == "404" || strings.HasPrefix(c.want, "there is no"); errors.Is(err, ErrNotFound) != missing {
			t.Errorf("%s: ErrNotFound is %v", name, !missing)
		}
	}
}

func TestOffline(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	c, err := New(s.URL, "x", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Orb(t.Context(), "a/b@1"); err == nil || !errors.Is(err, ErrUnreachable) || errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestSilenceEnds(t *testing.T) {
	release := make(chan struct{})
	c := fake(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	c.http.Timeout = 50 * time.Millisecond
	if _, err := c.Orb(t.Context(), "a/b@1"); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Orb(ctx, "a/b@1"); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancel gives %v", err)
	}
}

func TestGet(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/there":
			http.Redirect(w, r, "/orb.yml", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		default:
			fmt.Fprint(w, "commands: {}\n")
		}
	}))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL+"/orb.yml", http.StatusFound))
	defer secure.Close()
	c, err := New(DefaultURL, "x", "")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := c.Get(t.Context(), plain.URL+"/there"); err != nil || string(text) != "commands: {}\n" {
		t.Errorf("%q, %v", text, err)
	}
	c.http.Transport = secure.Client().Transport
	for address, want := range map[string]string{
		"http://example.com/orb.yml": "https",
		plain.URL + "/round":         "more than five",
		secure.URL + "/orb.yml":      "not https",
		"https://[":                  "missing",
	} {
		if _, err := c.Get(t.Context(), address); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, bad := range []string{"", "circleci.com", "ftp://circleci.com", "https://", "https://me:secret@circleci.com"} {
		if _, err := New(bad, "x", ""); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestBusyServersAreAskedAgain(t *testing.T) {
	for name, test := range map[string]struct {
		answers []int
		ok      bool
		calls   int
	}{
		"two answers that it is busy": {[]int{503, 429, 200}, true, 3},
		"always busy":                 {[]int{503, 502, 500, 503, 200}, false, attempts},
		"a mistake is not made again": {[]int{400, 200}, false, 1},
		"what is not there stays so":  {[]int{404, 200}, false, 1},
	} {
		calls := 0
		c := fake(t, func(w http.ResponseWriter, r *http.Request) {
			if n := r.ContentLength; n <= 0 {
				t.Errorf("%s: attempt %d has no body", name, calls)
			}
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(test.answers[calls])
			calls++
			fmt.Fprint(w, `{"data":{"orbVersion":{"version":"1.2.3","source":"version: 2.1\n"}}}`)
		})
		if _, err := c.Orb(t.Context(), "a/b@1"); (err == nil) != test.ok || calls != test.calls {
			t.Errorf("%s: %v after %d calls, want %d", name, err, calls, test.calls)
		}
	}
}

func TestTheTokenGoesToTheRegistryAlone(t *testing.T) {
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.URL.Path+" "+r.Header.Get("Authorization"))
		fmt.Fprint(w, `{"data":{"orbVersion":{"version":"1.2.3","source":"version: 2.1\n"}}}`)
	}))
	t.Cleanup(s.Close)
	c, err := New(s.URL, "x", "s3cret")
	if err != nil {
		t.Fatal(err)
	}
	_, err1 := c.Orb(t.Context(), "a/b@1")
	_, err2 := c.Get(t.Context(), s.URL+"/orb.yml")
	if err1 != nil || err2 != nil || len(got) != 2 || got[0] != "/graphql-unstable s3cret" || got[1] != "/orb.yml " {
		t.Errorf("%v %v %q", err1, err2, got)
	}
	if _, err := New("http://registry.example.com", "x", "s3cret"); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a token does not go over http: %v", err)
	}
}
