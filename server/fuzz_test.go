package server

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// bare answers one request without a network. Whatever was sent, the answer
// must be about it: our own failure is a status from 500 on.
func (g *rig) bare(t *testing.T, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	r.Host = "localhost"
	w := httptest.NewRecorder()
	g.Handler().ServeHTTP(w, r)
	if w.Code >= 500 {
		t.Fatalf("%s %q %v: %d %s", r.Method, r.URL, r.Header, w.Code, w.Body)
	}
	return w
}

func request(t *testing.T, u *url.URL) *http.Request {
	return (&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}, Body: http.NoBody, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(t.Context())
}

// FuzzQuery sends queries to every list.
func FuzzQuery(f *testing.F) {
	g := newRig(f, openRead)
	g.past("one\ntwo\n")
	for _, seed := range []string{"", "limit=1&cursor=1", "status=failed", "commit=abcd", "cursor=1/report.txt", "cursor=1/1", "failed=true", "step=1&line=1", "from=1.2", "limit=1;limit=2", "%", "a=b&a=c", "limit=-0", "limit=9223372036854775808"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, path := range []string{"pipelines", "pipelines/1/artifacts", "pipelines/1/tests", "jobs/1/lines", "jobs/1/log", "deliveries", "queue"} {
			w := g.bare(t, request(t, &url.URL{Path: "/api/v1/" + path, RawQuery: raw}))
			if w.Code != http.StatusOK && w.Code != http.StatusBadRequest && w.Code != http.StatusNotFound {
				t.Errorf("%s?%q: %d %s", path, raw, w.Code, w.Body)
			}
		}
	})
}

// FuzzPath asks for paths below the API.
func FuzzPath(f *testing.F) {
	g := newRig(f, openRead)
	g.past("one\ntwo\n")
	for _, seed := range []string{"pipelines/1", "pipelines/01", "jobs/1/artifacts/all", "jobs/1/artifacts/../all", "pipelines//1", "jobs/+1/log", "jobs/1/artifacts/sub/x.svg", "", "\x00", "jobs/:job"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r := request(t, &url.URL{Path: "/api/v1/" + path})
		r.Header.Set("Range", "bytes=0-99")
		g.bare(t, r)
	})
}

// FuzzHeaders asks for a log with ranges and places that nobody has given out.
func FuzzHeaders(f *testing.F) {
	g := newRig(f, openRead)
	const text = "one\ntwo\n\xff\n"
	g.past(text)
	for _, seed := range [][3]string{
		{"bytes=0-3", "", ""}, {"bytes=-1,2-4", "1.4", ""}, {"bytes=9-1", "x", "*"}, {"bytes=", "1", `"x"`}, {"bytes=0-0,0-0,0-0", "99999999999999999999.1", `W/"`},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, ranges, last, tag string) {
		for _, path := range []string{"/api/v1/jobs/1/log", "/api/v1/jobs/1/artifacts/all"} {
			r := request(t, &url.URL{Path: path})
			r.Header.Set("Range", ranges)
			r.Header.Set("If-None-Match", tag)
			w := g.bare(t, r)
			if w.Code == http.StatusPartialContent && !strings.HasPrefix(w.Header().Get("Content-Type"), "multipart/") && !strings.Contains(text+blob, w.Body.String()) {
				t.Errorf("%q: %q", ranges, w.Body)
			}
		}
		r := request(t, &url.URL{Path: "/api/v1/jobs/1/log", RawQuery: "follow=true"})
		r.Header.Set("Last-Event-ID", last)
		if w := g.bare(t, r); w.Code == http.StatusOK && !strings.Contains(w.Body.String(), "event: end") {
			t.Errorf("%q: the stream of a log that has ended does not: %s", last, w.Body)
		}
	})
}
