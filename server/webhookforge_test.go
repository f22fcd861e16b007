package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestOtherForges(t *testing.T) {
	body := `{"ref":"refs/heads/main","after":"` + some + `",` + repo + `}`
	for _, forge := range []string{"X-Gitea-", "X-Forgejo-", "X-Gogs-"} {
		r := httptest.NewRequest(http.MethodPost, "/webhook", strings.NewReader(body))
		for name, value := range map[string]string{"Event": "push", "Delivery": "f6266f16-1bf3-46a5-9ea4-602e06ead473", "Signature": sign([]byte(secret), []byte(body))} {
			r.Header.Set(forge+name, value)
		}
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		if status, _, answer := post(t, newHooks(t), r); status != 202 {
			t.Errorf("%s: %d %s", forge, status, answer)
		}
	}
}

// asGiteaForm is a form as Gitea sends it: what is signed is its payload.
func asGiteaForm(text string) *http.Request {
	r := delivery("push", "payload="+url.QueryEscape(text), set("Content-Type", formType))
	right := sign([]byte(secret), []byte(text))
	r.Header.Set("X-Hub-Signature-256", "sha256="+right)
	r.Header.Set("X-Gitea-Signature", right)
	return r
}

func TestGiteaForms(t *testing.T) {
	s := newHooks(t)
	text := `{"ref":"refs/heads/main","after":"` + some + `",` + repo + `}`
	if status, _, answer := post(t, s, asGiteaForm(text)); status != 202 {
		t.Errorf("%d %s", status, answer)
	}
	// The same payload, escaped in another way and under another name, is the same delivery.
	again := asGiteaForm(text)
	again.Body = io.NopCloser(strings.NewReader("payload=" + strings.ReplaceAll(url.QueryEscape(text), "refs", "%72efs")))
	if status, a, answer := post(t, s, again); status != 200 || !a.Duplicate {
		t.Errorf("escaped anew: %d %s", status, answer)
	}
	for name, change := range map[string]func(*http.Request){
		"another payload": func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("payload=%7B%7D")) },
		"a second one": func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader("payload=" + url.QueryEscape(text) + "&payload=%7B%7D"))
		},
		"not well escaped": func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("payload=%zz")) },
		"no form":          func(r *http.Request) { r.Header.Set("Content-Type", "application/json") },
		"GitHub's":         func(r *http.Request) { r.Header.Del("X-Gitea-Signature") },
	} {
		r := asGiteaForm(text)
		change(r)
		if status, _, answer := post(t, newHooks(t), r); status != 401 {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
}

// TestFormsOfOtherForges: Gogs has headers of its own alone, and signs as Gitea does.
func TestFormsOfOtherForges(t *testing.T) {
	text := `{"ref":"refs/heads/main","after":"` + some + `",` + repo + `}`
	for _, forge := range []string{"X-Gitea-", "X-Forgejo-", "X-Gogs-"} {
		r := httptest.NewRequest(http.MethodPost, "/webhook", strings.NewReader("payload="+url.QueryEscape(text)))
		for name, value := range map[string]string{"Event": "push", "Delivery": "f6266f16-1bf3-46a5-9ea4-602e06ead473", "Signature": sign([]byte(secret), []byte(text))} {
			r.Header.Set(forge+name, value)
		}
		r.Header.Set("Content-Type", formType)
		if status, _, answer := post(t, newHooks(t), r); status != 202 {
			t.Errorf("%s: %d %s", forge, status, answer)
		}
	}
}

// TestGiteaWithoutSecret is about the empty signatures that Gitea sends where
// its webhook has no secret.
func TestGiteaWithoutSecret(t *testing.T) {
	body := `{"ref":"refs/heads/main","after":"` + some + `",` + repo + `}`
	unsigned := func() *http.Request {
		r := delivery("push", body)
		r.RemoteAddr = "127.0.0.1:5"
		for name, value := range map[string]string{"X-Hub-Signature-256": "sha256=", "X-Hub-Signature": "sha1=", "X-Gitea-Signature": "", "X-Gogs-Signature": ""} {
			r.Header.Set(name, value)
		}
		return r
	}
	s := newHooks(t)
	if status, _, answer := post(t, s, unsigned()); status != 401 || !strings.Contains(answer, "popsicle daemon secret") {
		t.Errorf("%d %s", status, answer)
	}
	s.Hooks.Unsigned = true
	if status, _, answer := post(t, s, unsigned()); status != 202 {
		t.Errorf("where that is allowed: %d %s", status, answer)
	}
}
