package server

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestForeignPages sends what a browser sends for a page of another site, and
// what it sends for a name of another site that leads here (DNS rebinding).
func TestForeignPages(t *testing.T) {
	g := newRig(t, openRead, func(s *Server) { s.Hosts = []string{"ci.example.com"} })
	g.past("x\n")
	own := strings.TrimPrefix(g.url, "http://")
	for _, c := range []struct {
		what   string
		header []string
		want   int
	}{
		{"our own address", nil, 200},
		{"localhost", []string{"Host: localhost:7979"}, 200},
		{"another address of this machine", []string{"Host: [::1]:7979"}, 200},
		{"a name that was given", []string{"Host: CI.example.com"}, 200},
		{"a name that leads here", []string{"Host: evil.example.com"}, 404},
		{"a name that begins as ours", []string{"Host: localhost.evil.example"}, 404},
		{"a name that ends as ours", []string{"Host: evilci.example.com:80"}, 404},
		{"an address that is none", []string{"Host: 127.0.0.1.evil.example"}, 404},
		{"our own page", []string{"Origin: http://" + own, "Sec-Fetch-Site: same-origin"}, 200},
		{"a foreign page", []string{"Origin: https://evil.example"}, 403},
		{"a file or a frame in a sandbox", []string{"Origin: null"}, 403},
		{"our name on another port", []string{"Origin: http://127.0.0.1:1"}, 403},
		{"a picture in a foreign page", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, 403},
		{"a script in a page of a sibling", []string{"Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors"}, 403},
		{"a link in a foreign page", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, 200},
		{"an address that was typed", []string{"Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"}, 200},
	} {
		if a := g.get("/api/v1/pipelines", c.header...); a.StatusCode != c.want {
			t.Errorf("%s: %v; want %d", c.what, a, c.want)
		}
	}
	for _, foreign := range []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"} {
		a := g.ask("POST", "/api/v1/pipelines/1/cancel", "{}", "Content-Type: application/json", "Authorization: Bearer "+g.write, foreign)
		if a.StatusCode != http.StatusForbidden {
			t.Errorf("a foreign page that writes, %s: %v", foreign, a)
		}
	}
}

// TestOpenReadIsOfThisMachine holds that reading without a token ends where a
// proxy speaks for others, and that writing never begins.
func TestOpenReadIsOfThisMachine(t *testing.T) {
	g := newRig(t, openRead)
	g.past("x\n")
	for _, hint := range []string{"X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "Via: 1.1 proxy", "X-Real-IP: 192.0.2.1", "X-Forwarded-Host: ci.example.com"} {
		if a := g.get("/api/v1/pipelines", hint); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %v", hint, a)
		}
		if a := g.get("/api/v1/pipelines", hint, "Authorization: Bearer "+g.read); a.StatusCode != http.StatusOK {
			t.Errorf("%s, with a token: %v", hint, a)
		}
	}
	if a := g.ask("POST", "/api/v1/pipelines/1/cancel", "{}", "Content-Type: application/json"); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("writing without a token: %v", a)
	}
	closed := newRig(t)
	if a := closed.get("/api/v1/pipelines"); a.StatusCode != http.StatusUnauthorized || a.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("reading without a token: %v", a)
	}
}

func TestRate(t *testing.T) {
	g := newRig(t, openRead, func(s *Server) { s.Rate = 2 })
	codes := map[int]int{}
	var last answer
	for range 60 {
		last = g.get("/api/v1/version")
		codes[last.StatusCode]++
	}
	if codes[200] != 60 {
		t.Errorf("the version is not limited: %v", codes)
	}
	clear(codes)
	for range 60 {
		if a := g.get("/api/v1/pipelines"); a.StatusCode != http.StatusOK {
			last = a
		}
		codes[last.StatusCode]++
	}
	if codes[429] < 20 || last.Header.Get("Retry-After") != "1" || !strings.Contains(last.text, "too many requests") {
		t.Errorf("60 requests, 2 a second: %v, %v", codes, last)
	}

	g = newRig(t, openRead, func(s *Server) { s.Rate = 2 })
	guesses := 0
	for g.get("/api/v1/pipelines", "Authorization: Bearer guess").StatusCode == http.StatusUnauthorized {
		if guesses++; guesses > 5 {
			t.Fatal("tokens may be guessed as fast as they are sent")
		}
	}
	other := &http.Request{RemoteAddr: "192.0.2.1:99"}
	if err := g.slow(other, 1); err != nil {
		t.Errorf("another client pays for it: %v", err)
	}
}

func TestCompressedAndTagged(t *testing.T) {
	g := newRig(t, openRead)
	for range 20 {
		g.past("x\n")
	}
	plain := g.get("/api/v1/pipelines", "Accept-Encoding: identity")
	packed := g.get("/api/v1/pipelines", "Accept-Encoding: gzip")
	reader, err := gzip.NewReader(strings.NewReader(packed.text))
	if err != nil || packed.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(packed.Header.Get("Vary"), "Accept-Encoding") {
		t.Fatalf("compressed: %v, %v", packed.Header, err)
	}
	if text, err := io.ReadAll(reader); err != nil || string(text) != plain.text || plain.Header.Get("Content-Encoding") != "" {
		t.Errorf("compressed, %d bytes; plain, %d: %v", len(text), len(plain.text), err)
	}
	tag := plain.Header.Get("ETag")
	if tag == "" || packed.Header.Get("ETag") != tag {
		t.Errorf("tags: %q, %q", tag, packed.Header.Get("ETag"))
	}
	for _, known := range []string{tag, `"x", ` + tag, strings.TrimPrefix(tag, "W/"), "*"} {
		if a := g.get("/api/v1/pipelines", "If-None-Match: "+known); a.StatusCode != http.StatusNotModified || a.text != "" || a.Header.Get("ETag") != tag {
			t.Errorf("%s: %v", known, a)
		}
	}
	g.past("x\n")
	if a := g.get("/api/v1/pipelines", "If-None-Match: "+tag); a.StatusCode != http.StatusOK || a.Header.Get("ETag") == tag {
		t.Errorf("after a change: %v", a.Status)
	}
}

func TestMethods(t *testing.T) {
	g := newRig(t, openRead)
	g.past("one\ntwo\n")
	for _, path := range []string{"/api/v1/pipelines", "/api/v1/jobs/1", "/api/v1/jobs/1/log", "/api/v1/jobs/1/artifacts/all", "/api/v1/version"} {
		head, get := g.ask("HEAD", path, ""), g.get(path, "Accept-Encoding: identity")
		if head.StatusCode != http.StatusOK || head.text != "" || head.Header.Get("ETag") != get.Header.Get("ETag") || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
			t.Errorf("HEAD %s: %v; GET: %v", path, head, get.Header)
		}
		options := g.ask("OPTIONS", path, "")
		if options.StatusCode != http.StatusNoContent || !strings.Contains(options.Header.Get("Allow"), "GET") || options.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("OPTIONS %s: %v", path, options)
		}
		wrong := g.ask("DELETE", path, "")
		if wrong.StatusCode != http.StatusMethodNotAllowed || !strings.Contains(wrong.Header.Get("Allow"), "GET") {
			t.Errorf("DELETE %s: %v", path, wrong)
		}
	}
	if a := g.get("/api/v1/pipelines/1/cancel"); a.StatusCode != http.StatusMethodNotAllowed || !strings.Contains(a.Header.Get("Allow"), "POST") {
		t.Errorf("GET of what is posted: %v", a)
	}
	for _, path := range []string{"/api/v1/pipelines/", "/api/v1/Pipelines", "//api/v1/pipelines", "/api/v1/pipelines/1/../1"} {
		if a := g.get(path); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s is another name of something: %v", path, a)
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	g := newRig(t, openRead)
	g.past("x\n")
	for _, a := range []answer{
		g.get("/api/v1/pipelines"), g.get("/nowhere"), g.get("/api/v1/jobs/1/log"), g.get("/api/v1/jobs/1/log?follow=true"),
		g.get("/api/v1/pipelines", "Host: evil.example"), g.get("/metrics"), g.ask("OPTIONS", "/api/v1/pipelines", ""),
	} {
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
			"Access-Control-Allow-Origin": "", "Set-Cookie": "",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q; want %q", a.Request.URL, name, got, want)
			}
		}
		if a.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s has no id", a.Request.URL)
		}
	}
	if a := g.get("/api/v1/version", "X-Request-Id: mine-1"); a.Header.Get("X-Request-Id") != "mine-1" {
		t.Errorf("an id that was sent: %v", a)
	}
	if a := g.get("/api/v1/version", "X-Request-Id: "+strings.Repeat("x", 65)); len(a.Header.Get("X-Request-Id")) > 20 {
		t.Errorf("an id that is too long: %v", a)
	}
}

// TestFollowerLimit fills all places for streams, and gives one back.
func TestFollowerLimit(t *testing.T) {
	g := newRig(t, openRead)
	r := g.begin()
	defer r.Close(t.Context())
	path := fmt.Sprintf("/api/v1/jobs/%d/log?follow=true", r.job())
	var leave func()
	for range mostFollowers {
		var err error
		if leave, err = g.enter(); err != nil {
			t.Fatal(err)
		}
	}
	for _, full := range []string{path, fmt.Sprintf("/api/v1/pipelines/%d/events", r.id)} {
		if a := g.get(full); a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") != "10" {
			t.Errorf("one too many: %v", a)
		}
	}
	leave()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		t.Errorf("where there is a place again: %s", a.Status)
	}
	stop()
	eventually(t, func() bool { return len(g.follows().places) == mostFollowers-1 })
}

// TestSlowHeaders opens a connection and says little: the server must not
// wait for the rest for ever.
func TestSlowHeaders(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- (&Server{History: openHistory(t)}).Serve(ctx, l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(4 * headerTime)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("still open after %s: %v", time.Since(began), err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
