package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/popsicle-ci/popsicle/db"
)

// Who may ask what:
//
//   - A route of scope none answers everybody: health, version, the document,
//     and webhooks, which are signed.
//   - Reading needs a token, unless OpenRead is set: that is for a server that
//     only listens on the loopback device. What a proxy hands on needs one.
//     A browser asks its user for the token as for a password, of any name.
//   - Writing always needs a token with the scope write. So no page in a
//     browser, no other user of the machine and nothing in a container can
//     start anything, even where the server forgot every other check.
//
// Beside that, a browser on the same machine must not become a tool of a
// foreign page: the name of the host is checked (DNS rebinding), the origin
// too (CSRF), and a body must be JSON, which a foreign form cannot send.

// A scope is what a route asks of a token.
type scope int

// The scopes. A route that forgets to say what it needs needs most.
const (
	scopeWrite scope = iota
	scopeRead
	scopeNone
)

// caller is where the context of a request keeps who asks.
type callerKey struct{}

// caller returns who asks, for the history: the name of a token.
func caller(r *http.Request) string {
	name, _ := r.Context().Value(callerKey{}).(string)
	return name
}

// admit refuses a request that may not have what a route answers.
func (s *Server) admit(r *http.Request, need scope) (*http.Request, error) {
	if need == scopeNone {
		return r, nil
	}
	if err := s.slow(r, 1); err != nil {
		return r, err
	}
	secret, sent := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if _, password, basic := r.BasicAuth(); basic && need == scopeRead {
		secret, sent = password, true // a browser sends it by itself, so that it may only read
	}
	switch {
	case r.Header.Get("Authorization") != "" && !sent:
		return r, unauthorized("Authorization has to be: Bearer TOKEN")
	case !sent && need == scopeRead && s.OpenRead && !forwarded(r):
		return r, nil
	case !sent:
		return r, unauthorized("this needs a token: popsicle daemon token create NAME makes one")
	}
	token, err := s.History.TokenOf(r.Context(), strings.TrimSpace(secret))
	switch {
	case errors.Is(err, db.ErrNotFound):
		if err := s.slow(r, wrongCost); err != nil {
			return r, err
		}
		return r, unauthorized("the token is unknown or has expired: popsicle daemon token list shows them")
	case err != nil:
		return r, err
	case need == scopeWrite && token.Scope != db.ScopeWrite:
		return r, &Problem{Status: http.StatusForbidden, Detail: fmt.Sprintf("the token %q may only read: popsicle daemon token create NAME --scope write makes one that may more", token.Name)}
	}
	if err := s.History.TokenUsed(r.Context(), token); err != nil {
		s.logger().WarnContext(r.Context(), "the use of a token was not noted", "token", token.Name, "error", err)
	}
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, token.Name)), nil
}

// forwarded says whether a proxy says that it speaks for somebody else. Who
// that is cannot be told: it may be anybody, though the proxy is on this
// machine.
func forwarded(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

func unauthorized(detail string) *Problem {
	return &Problem{Status: http.StatusUnauthorized, Detail: detail, challenge: `Bearer realm="popsicle"`}
}

// wrongCost is what a wrong token costs of a client's rate, in requests.
const wrongCost = 20

// limits keeps how much each client has asked for.
type limits struct {
	mu      sync.Mutex
	clients map[string]*rate.Limiter
}

// mostClients is how many clients are remembered at a time.
const mostClients = 4096

// slow refuses a client that asks for more than its rate. The address is
// that of the connection: a header could be invented.
func (s *Server) slow(r *http.Request, cost int) error {
	if s.Rate <= 0 {
		return nil
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	l := &s.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.clients == nil || len(l.clients) >= mostClients {
		l.clients = map[string]*rate.Limiter{}
	}
	of := l.clients[host]
	if of == nil {
		of = rate.NewLimiter(rate.Limit(s.Rate), max(4*int(s.Rate), wrongCost))
		l.clients[host] = of
	}
	if of.AllowN(time.Now(), cost) {
		return nil
	}
	return &Problem{Status: http.StatusTooManyRequests, Detail: "too many requests: " + strconv.FormatFloat(s.Rate, 'g', 3, 64) + " a second are answered", retry: 1}
}

// sameSite refuses what a foreign page or a foreign name asks for.
func (s *Server) sameSite(next http.Handler) http.Handler {
	forgery := http.NewCrossOriginProtection()
	refuse := func(w http.ResponseWriter, r *http.Request, status int, format string, args ...any) {
		s.writeProblem(w, r, &Problem{Status: status, Detail: fmt.Sprintf(format, args...)})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == hookPath: // signed, and sent to whatever name a relay has
		case !s.served(r.Host):
			refuse(w, r, http.StatusNotFound, "no host is named %.100q here: popsicle daemon --host NAME adds a name", r.Host)
			return
		case r.Header.Get("Origin") != "" && !sameOrigin(r), forgery.Check(r) != nil, embedded(r):
			refuse(w, r, http.StatusForbidden, "pages of other sites may not ask for this")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// served says whether a request to a host is meant for us. A page of another
// site can give its own name our address, but not make its browser say ours.
func (s *Server) served(host string) bool {
	name := host
	if n, _, err := net.SplitHostPort(host); err == nil {
		name = n
	}
	name = strings.Trim(strings.ToLower(name), "[]")
	if name == "localhost" || slices.Contains(s.Hosts, name) {
		return true
	}
	// An address is no name that somebody could give to another machine.
	return net.ParseIP(name) != nil
}

func sameOrigin(r *http.Request) bool {
	origin, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && origin.Host != "" && strings.EqualFold(origin.Host, r.Host)
}

// embedded says whether a browser asks for something that a page of another
// site wants to have in it. That a link leads here is fine.
func embedded(r *http.Request) bool {
	site, mode := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Sec-Fetch-Mode")
	return (site == "cross-site" || site == "same-site") && mode != "navigate"
}
