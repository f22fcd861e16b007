package server

import (
	"crypto/sha256"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"github.com/popsicle-ci/popsicle/db"
)

// maxPayload is the largest body of a webhook: GitHub sends no larger one.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads
const maxPayload = 25 << 20

// Hooks is what taking webhooks needs.
type Hooks struct {
	// Secrets returns the secrets of which one must have signed a delivery:
	// several while one takes the place of another.
	Secrets func() [][]byte
	// Unsigned takes deliveries without a signature from this machine.
	Unsigned bool
	// Repo finds a repository on the allow-list, by "owner/name" in any case.
	Repo func(name string) (db.Repo, bool)
	// Queued is told after a delivery has queued a pipeline; nil: nobody asks.
	Queued func()
	// Stale ends running pipelines which a newer one supersedes; nil: they go on.
	Stale func(pipelines []int64, reason string)
}

// A hookAnswer says what became of a delivery.
type hookAnswer struct {
	Outcome   db.Outcome `json:"outcome"`
	Reason    string     `json:"reason,omitempty"`
	Pipeline  int64      `json:"pipeline,omitempty"`
	Duplicate bool       `json:"duplicate,omitempty"`
}

// webhook takes one delivery. The signature comes first: nothing of a body is
// looked at that nobody has signed. It answers when the delivery, and what it
// asks for, is on the disk.
func (s *Server) webhook(r *http.Request, _ httprouter.Params) (any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := s.Hooks.verify(r, body); err != nil {
		s.logger().WarnContext(r.Context(), "delivery refused", "request", requestID(r), "why", err.Error(), "from", peer(r))
		return nil, err
	}
	one, err := s.Hooks.read(r, body)
	if err != nil {
		return nil, err
	}
	receipt, err := s.History.Deliver(r.Context(), one)
	if err != nil {
		return nil, err
	}
	s.logger().InfoContext(r.Context(), "delivery", "request", requestID(r), "guid", one.GUID, "event", one.Event, "action", one.Action,
		"repo", one.Repo, "ref", one.Ref, "commit", one.Commit, "outcome", receipt.Outcome, "reason", receipt.Reason,
		"pipeline", receipt.Pipeline, "duplicate", receipt.Duplicate)
	return s.Hooks.answer(receipt)
}

// answer tells who has to know of a delivery that is written.
func (h *Hooks) answer(r db.Receipt) (any, error) {
	if len(r.Stale) > 0 && h.Stale != nil {
		h.Stale(r.Stale, fmt.Sprintf("superseded by #%d", r.Pipeline))
	}
	found := hookAnswer{r.Outcome, r.Reason, r.Pipeline, r.Duplicate}
	switch {
	case r.Outcome == db.OutcomeRefused:
		return nil, &Problem{Status: http.StatusForbidden, Detail: r.Reason}
	case r.Duplicate || r.Outcome == db.OutcomeIgnored:
		return found, nil
	}
	if h.Queued != nil {
		h.Queued()
	}
	return response{Status: http.StatusAccepted, Body: found}, nil
}

// guid is what names a delivery: GitHub's is a UUID.
var guid = regexp.MustCompile(`^[0-9A-Za-z-]{8,64}$`)

// read makes a delivery of a body whose signature is good.
func (h *Hooks) read(r *http.Request, body []byte) (db.Delivery, error) {
	one := db.Delivery{
		GUID: forgeHeader(r, "Delivery"), Event: forgeHeader(r, "Event"), Time: time.Now(),
	}
	if !guid.MatchString(one.GUID) {
		return one, &Problem{Status: http.StatusBadRequest, Detail: "X-GitHub-Delivery is missing or no UUID"}
	}
	if one.Event == "" || len(one.Event) > 64 {
		return one, &Problem{Status: http.StatusBadRequest, Detail: "X-GitHub-Event is missing"}
	}
	text, err := payloadText(r.Header.Get("Content-Type"), body)
	if err != nil {
		return one, err
	}
	one.Body = sha256.Sum256(text) // a form may be escaped in many ways
	p, err := parsePayload(one.Event, text)
	if err != nil {
		return one, &Problem{Status: http.StatusBadRequest, Detail: "the payload is no JSON of an event: " + err.Error()}
	}
	h.decide(&one, p)
	return one, nil
}

// formType is what a form says it is.
const formType = "application/x-www-form-urlencoded"

// payloadText takes the JSON out of a body.
// https://docs.github.com/en/webhooks/using-webhooks/creating-webhooks
func payloadText(contentType string, body []byte) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = ""
	}
	switch kind {
	case "application/json":
		return body, nil
	case formType:
		form, err := url.ParseQuery(string(body))
		if err != nil || len(form["payload"]) != 1 {
			return nil, &Problem{Status: http.StatusBadRequest, Detail: "the form has no payload"}
		}
		return []byte(form.Get("payload")), nil
	}
	return nil, &Problem{Status: http.StatusUnsupportedMediaType,
		Detail: "set the content type of the webhook to application/json"}
}

// forges are the names under which GitHub and those that speak like it send
// their headers. Gitea sends GitHub's too.
var forges = []string{"X-Github-", "X-Forgejo-", "X-Gitea-", "X-Gogs-"}

// forgeHeader returns a header of a delivery, whoever's it is.
func forgeHeader(r *http.Request, name string) string {
	for _, forge := range forges {
		if value := r.Header.Get(forge + name); value != "" {
			return value
		}
	}
	return ""
}

// longestName is how many characters of a name are kept that nobody has looked
// at: more than forges let a repository have.
const longestName = 150

// decide says what a delivery asks for, and whether it may.
func (h *Hooks) decide(one *db.Delivery, p *payload) {
	one.Repo, one.Action = first(p.Repository.FullName, longestName), first(p.Action, longestName)
	repo, allowed := db.Repo{}, false
	if one.Repo != "" {
		repo, allowed = h.Repo(one.Repo)
	}
	switch {
	case allowed:
		one.Repo = repo.Name
		p.read(one)
	case one.Repo != "":
		one.Outcome, one.Reason = db.OutcomeRefused, fmt.Sprintf("%s is not on the list of repositories: popsicle daemon repo add %[1]s", plain(one.Repo))
		return
	default:
		one.Outcome, one.Reason = db.OutcomeIgnored, "it is about no repository"
	}
	events := repo.Events
	if len(events) == 0 {
		events = []string{"push", "pull_request"}
	}
	if one.Order != nil && !slices.Contains(events, one.Event) {
		one.Order, one.Outcome = nil, db.OutcomeIgnored
		one.Reason = one.Event + " starts no pipelines of this repository"
	}
}

// plain is text of others as a log and a terminal can bear it.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return -1
		}
		return r
	}, text)
}

// peer is who is at the other end, without the port.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
