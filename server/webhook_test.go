package server

import (
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/popsicle-ci/popsicle/db"
)

const secret = "It's a Secret to Everybody"

const (
	zeros = "0000000000000000000000000000000000000000"
	some  = "1111111111111111111111111111111111111111"
	other = "2222222222222222222222222222222222222222"
)

// newHooks is a server that takes webhooks of acme/app.
func newHooks(t testing.TB) *Server {
	return &Server{History: openHistory(t), Hooks: &Hooks{
		Secrets: func() [][]byte { return [][]byte{{}, []byte("an older one"), []byte(secret)} },
		Repo: func(name string) (db.Repo, bool) {
			return db.Repo{Name: "acme/app", URL: "https://git.example/acme/app"}, strings.EqualFold(name, "acme/app")
		},
	}}
}

var guids struct {
	sync.Mutex
	last int
}

// delivery is a signed delivery as GitHub sends it. Options change it.
func delivery(event, body string, options ...func(http.Header)) *http.Request {
	guids.Lock()
	defer guids.Unlock()
	guids.last++
	r := httptest.NewRequest(http.MethodPost, "/webhook", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", fmt.Sprintf("00000000-0000-0000-0000-%012d", guids.last))
	r.Header.Set("X-Hub-Signature-256", "sha256="+sign([]byte(secret), []byte(body)))
	for _, change := range options {
		change(r.Header)
	}
	return r
}

func set(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
func without(name string) func(http.Header)    { return func(h http.Header) { h.Del(name) } }

// post sends a delivery and returns the status and what became of it.
func post(t testing.TB, s *Server, r *http.Request) (int, hookAnswer, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	var a hookAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return w.Code, a, w.Body.String()
}

// TestOfficialSignature holds GitHub's own example:
// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
func TestOfficialSignature(t *testing.T) {
	if got := sign([]byte(secret), []byte("Hello, World!")); got != "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17" {
		t.Error(got)
	}
}

const repo = `"repository":{"id":1,"full_name":"Acme/App","default_branch":"main"},"sender":{"login":"ann"}`

func TestWhatIsNotSignedLeavesNothing(t *testing.T) {
	body := `{"ref":"refs/heads/main","after":"` + some + `",` + repo + `}`
	good := sign([]byte(secret), []byte(body))
	for name, change := range map[string]func(http.Header){
		"no signature":     without("X-Hub-Signature-256"),
		"only the old one": func(h http.Header) { h.Del("X-Hub-Signature-256"); h.Set("X-Hub-Signature", "sha1="+good[:40]) },
		"another secret":   set("X-Hub-Signature-256", "sha256="+sign([]byte("guess"), []byte(body))),
		"an empty secret":  set("X-Hub-Signature-256", "sha256="+sign(nil, []byte(body))),
		"upper case":       set("X-Hub-Signature-256", "sha256="+strings.ToUpper(good)),
		"no prefix":        set("X-Hub-Signature-256", good),
		"cut":              set("X-Hub-Signature-256", "sha256="+good[:62]),
		"empty":            set("X-Hub-Signature-256", ""),
		"two":              func(h http.Header) { h.Add("X-Hub-Signature-256", h.Get("X-Hub-Signature-256")) },
		"a bad one, and Gitea's": func(h http.Header) {
			h.Set("X-Gitea-Signature", good)
			h.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64))
		},
	} {
		s := newHooks(t)
		if status, _, text := post(t, s, delivery("push", body, change)); status != 401 {
			t.Errorf("%s: %d %s", name, status, text)
		}
		if all, err := s.History.Deliveries(t.Context(), db.DeliveryFilter{}); err != nil || len(all) > 0 {
			t.Errorf("%s: %d deliveries are kept, %v", name, len(all), err)
		}
	}
}

func TestUnsignedOnlyFromHere(t *testing.T) {
	s := newHooks(t)
	s.Hooks.Unsigned = true
	body := `{"ref":"refs/heads/main","after":"` + some + `",` + repo + `}`
	here := delivery("push", body, without("X-Hub-Signature-256"))
	here.RemoteAddr = "127.0.0.1:5"
	there := delivery("push", body, without("X-Hub-Signature-256"))
	proxied := delivery("push", body, without("X-Hub-Signature-256"), set("X-Forwarded-For", "8.8.8.8"))
	proxied.RemoteAddr = "127.0.0.1:5"
	wrong := delivery("push", body, set("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64)))
	wrong.RemoteAddr = "127.0.0.1:5"
	for want, r := range map[int][]*http.Request{401: {there, proxied, wrong}, 202: {here}} {
		for _, one := range r {
			if status, _, text := post(t, s, one); status != want {
				t.Errorf("%d %s, want %d", status, text, want)
			}
		}
	}
}

func TestDeliveries(t *testing.T) {
	push := func(ref, after, more string) string {
		return `{"ref":"` + ref + `","before":"` + zeros + `","after":"` + after + `"` + more + `,` + repo + `}`
	}
	commit := func(id, message string) string {
		text, _ := json.Marshal(message)
		return `,"head_commit":{"id":"` + id + `","message":` + string(text) + `,"author":{"name":"Ann"}}`
	}
	pull := func(action, head string) string {
		return `{"action":"` + action + `","pull_request":{"number":7,"title":"T","user":{"login":"bob"},"head":{"ref":"topic","sha":"` + some + `","repo":` + head +
			`},"base":{"ref":"main","sha":"` + other + `","repo":{"id":1}}},` + repo + `}`
	}
	long := strings.Repeat("é", 250)
	for _, c := range []struct {
		name, event, body string
		status            int
		outcome           db.Outcome
		reason            string // a part of it
	}{
		{"a branch", "push", push("refs/heads/main", some, commit(some, "hello")), 202, db.OutcomeQueued, ""},
		{"without a head commit", "push", push("refs/heads/a/b", some, ""), 202, db.OutcomeQueued, ""},
		{"an annotated tag", "push", push("refs/tags/v1", other, commit(some, "hello")), 202, db.OutcomeQueued, ""},
		{"a tag on a tree", "push", push("refs/tags/v2", other, `,"head_commit":null`), 200, db.OutcomeIgnored, "not on a commit"},
		{"a branch that is gone", "push", push("refs/heads/x", zeros, `,"head_commit":null`), 200, db.OutcomeIgnored, "x was deleted"},
		{"notes", "push", push("refs/notes/commits", some, ""), 200, db.OutcomeIgnored, "no branch and no tag"},
		{"a wicked ref", "push", push("refs/heads/a..b", some, ""), 200, db.OutcomeIgnored, "no branch and no tag"},
		{"a wicked commit", "push", push("refs/heads/a", "--upload-pack=x", ""), 200, db.OutcomeIgnored, "no name of a commit"},
		{"skip ci", "push", push("refs/heads/main", some, commit(some, "a [CI skip] b")), 200, db.OutcomeIgnored, "[skip ci]"},
		{"skip ci in the body", "push", push("refs/heads/main", some, commit(some, "title\n\nsee [skip ci]")), 200, db.OutcomeIgnored, "[skip ci]"},
		{"skip ci too late", "push", push("refs/heads/main", other, commit(other, long+"[skip ci]")), 202, db.OutcomeQueued, ""},
		{"a pull request", "pull_request", pull("opened", `{"id":1,"full_name":"acme/app"}`), 202, db.OutcomeQueued, ""},
		{"Gitea's word", "pull_request", pull("synchronized", `{"id":1,"full_name":"acme/app"}`), 202, db.OutcomeQueued, ""},
		{"a fork of the same name", "pull_request", pull("synchronize", `{"id":2,"full_name":"acme/app"}`), 202, db.OutcomeOnHold, ""},
		{"a fork that is gone", "pull_request", pull("reopened", `null`), 202, db.OutcomeOnHold, ""},
		{"closed", "pull_request", pull("closed", `null`), 200, db.OutcomeIgnored, "was closed"},
		{"labeled", "pull_request", pull("labeled", `null`), 200, db.OutcomeIgnored, "labeled changes no commit"},
		{"no pull request", "pull_request", `{"action":"opened",` + repo + `}`, 200, db.OutcomeIgnored, "no pull request"},
		{"ping", "ping", `{"zen":"z","hook":{"config":{"insecure_ssl":"0"}},` + repo + `}`, 200, db.OutcomeIgnored, "pong"},
		{"a careless hook", "ping", `{"zen":"z","hook":{"config":{"insecure_ssl":"1"}},` + repo + `}`, 200, db.OutcomeIgnored, "SSL"},
		{"create", "create", `{"ref":"x","ref_type":"branch",` + repo + `}`, 200, db.OutcomeIgnored, "push event"},
		{"what is new", "sponsorship", `{"action":"created",` + repo + `}`, 200, db.OutcomeIgnored, "sponsorship starts no"},
		{"no repository", "installation", `{"action":"created"}`, 200, db.OutcomeIgnored, "no repository"},
		{"a stranger", "push", strings.ReplaceAll(push("refs/heads/main", some, ""), "Acme/App", "eve/app"), 403, "", "eve/app is not on the list"},
		{"no JSON", "push", `{"ref":`, 400, "", "no JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, a, text := post(t, newHooks(t), delivery(c.event, c.body))
			if status != c.status || a.Outcome != c.outcome || !strings.Contains(text, c.reason) {
				t.Errorf("%d %s", status, text)
			}
		})
	}
}

func TestTheOrderOfADelivery(t *testing.T) {
	s := newHooks(t)
	post(t, s, delivery("push", `{"ref":"refs/tags/v1","after":"`+other+`","head_commit":{"id":"`+some+`","message":"hello\nworld","author":{"name":"Ann"}},`+repo+`}`))
	post(t, s, delivery("pull_request", `{"action":"opened","pull_request":{"number":7,"title":"T","user":{"login":"eve"},"head":{"ref":"main","sha":"`+some+`","repo":{"id":2,"full_name":"eve/fork"}},
		"base":{"ref":"main","repo":{"id":1}}},`+repo+`}`))
	all, err := s.History.Waiting(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	tag, fork := all[0], all[1]
	if tag.Repo != "acme/app" || tag.Commit != some || tag.Tag != "v1" || tag.Branch != "" || tag.Moving || tag.Subject != "hello" || tag.Author != "Ann" || tag.By != "ann" {
		t.Errorf("tag: %+v", tag)
	}
	if !fork.Hold || fork.Branch != "pull/7" || fork.Ref != "refs/pull/7/head" || !fork.Pull.Fork || fork.Pull.Owner != "eve" || fork.Author != "eve" {
		t.Errorf("fork: %+v, %+v", fork, fork.Pull)
	}
}

func TestARedeliveryChangesNothing(t *testing.T) {
	s := newHooks(t)
	body := `{"ref":"refs/heads/main","after":"` + some + `",` + repo + `}`
	same := set("X-GitHub-Delivery", "aaaaaaaa-0000-0000-0000-000000000000")
	first, _, _ := post(t, s, delivery("push", body, same))
	second, a, _ := post(t, s, delivery("push", body, same))
	if first != 202 || second != 200 || !a.Duplicate || a.Pipeline != 1 {
		t.Errorf("%d, %d %+v", first, second, a)
	}
}

func TestForms(t *testing.T) {
	text := `{"ref":"refs/heads/main","after":"` + some + `",` + repo + `}`
	form := set("Content-Type", "application/x-www-form-urlencoded")
	for body, want := range map[string]int{"payload=" + url.QueryEscape(text): 202, "nothing=1": 400, "payload=%zz": 400} {
		if status, _, answer := post(t, newHooks(t), delivery("push", body, form)); status != want {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
	if status, _, answer := post(t, newHooks(t), delivery("push", text, set("Content-Type", "text/plain"))); status != 415 {
		t.Errorf("text: %d %s", status, answer)
	}
}

func TestEventsOfARepository(t *testing.T) {
	s := newHooks(t)
	s.Hooks.Repo = func(string) (db.Repo, bool) { return db.Repo{Name: "acme/app", Events: []string{"pull_request"}}, true }
	body := `{"ref":"refs/heads/main","after":"` + some + `",` + repo + `}`
	if status, a, text := post(t, s, delivery("push", body)); status != 200 || a.Outcome != db.OutcomeIgnored || !strings.Contains(a.Reason, "push starts no pipelines") {
		t.Errorf("%d %s", status, text)
	}
}

func TestABodyTooLarge(t *testing.T) {
	if status, _, text := post(t, newHooks(t), delivery("push", strings.Repeat(" ", maxPayload+1))); status != 413 {
		t.Errorf("%d %s", status, text)
	}
}

func TestDeliveriesAtOnce(t *testing.T) {
	s := newHooks(t)
	var all sync.WaitGroup
	for i := range 1000 {
		all.Go(func() {
			body := fmt.Sprintf(`{"ref":"refs/heads/b%d","after":"%040x",%s}`, i, i+1, repo)
			if status, _, text := post(t, s, delivery("push", body)); status != 202 {
				t.Errorf("%d %s", status, text)
			}
		})
	}
	all.Wait()
	if waiting, err := s.History.Waiting(t.Context()); err != nil || len(waiting) != 1000 {
		t.Errorf("%d orders wait, %v", len(waiting), err)
	}
}

func FuzzSignature(f *testing.F) {
	f.Add("sha256="+sign([]byte(secret), []byte("body")), "", "body")
	f.Add("", sign([]byte(secret), []byte("body")), "body")
	f.Add("sha256=", "sha256=", "")
	f.Add("sha256=", sign([]byte(secret), []byte("body")), "body")
	h := &Hooks{Secrets: func() [][]byte { return [][]byte{[]byte(secret)} }}
	f.Fuzz(func(t *testing.T, github, gitea, body string) {
		r := httptest.NewRequest(http.MethodPost, "/webhook", nil)
		for name, value := range map[string]string{"X-Hub-Signature-256": github, "X-Gitea-Signature": gitea} {
			if value != "" {
				r.Header[http.CanonicalHeaderKey(name)] = []string{value}
			}
		}
		right := sign([]byte(secret), []byte(body))
		none := github == "" || github == "sha256="
		good := hmac.Equal([]byte(github), []byte("sha256="+right)) || none && gitea == right
		if err := h.verify(r, []byte(body)); (err == nil) != good {
			t.Errorf("%q %q: %v", github, gitea, err)
		}
	})
}

func FuzzPayload(f *testing.F) {
	for event, usual := range map[string]variant{"push": usualPush, "pull_request": usualPull, "delete": usualPush.with("ref_type", "branch"), "merge_group": usualPush.with("ref", 5)} {
		for _, change := range []string{"head_commit", "repository", "after", "ref", "pull_request.head.repo", "pull_request.head.repo.id", "pull_request.base.repo"} {
			for _, value := range []any{nil, null, "x", 5} {
				text, _ := json.Marshal(usual.with(change, value))
				f.Add(event, string(text))
			}
		}
	}
	for _, event := range []string{"push", "pull_request", "ping", "create"} {
		f.Add(event, `{"ref":"refs/heads/main","after":"`+some+`","action":"opened","pull_request":{"number":1,"head":{"sha":"`+some+`"},"base":{"repo":{"id":1}}},`+repo+`}`)
	}
	h := newHooksOnly()
	f.Fuzz(func(t *testing.T, event, body string) {
		p, err := parsePayload(event, []byte(body))
		if err != nil {
			return
		}
		one := db.Delivery{Event: event}
		h.decide(&one, p)
		if o := one.Order; o != nil && (!objectName.MatchString(o.Commit) || !validRef(o.Ref) || o.Branch != "" && o.Tag != "" || one.Repo != "acme/app") {
			t.Errorf("an order that cannot be: %+v", o)
		}
		if one.Order == nil && one.Outcome == "" {
			t.Error("it has no outcome")
		}
	})
}

func newHooksOnly() *Hooks {
	return &Hooks{Repo: func(name string) (db.Repo, bool) {
		return db.Repo{Name: "acme/app"}, strings.EqualFold(name, "acme/app")
	}}
}
