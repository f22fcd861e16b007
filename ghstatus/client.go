package ghstatus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cli/go-gh/v2/pkg/api"
)

// A Client posts statuses with the credentials of gh: GH_TOKEN, GITHUB_TOKEN,
// for other hosts GH_ENTERPRISE_TOKEN, else what gh auth login has kept. gh's
// setting http_unix_socket holds.
type Client struct {
	// Base is the URL of a host's API that is not where GitHub has it, as
	// "http://127.0.0.1:3000/api/v1" of a Gitea server; empty for the others.
	Base func(host string) string // nil: all are where GitHub has them

	mu    sync.Mutex
	hosts map[string]*api.RESTClient
	now   func() time.Time // nil: time.Now
}

// A Verdict is what became of a status.
type Verdict string

// The verdicts.
const (
	Posted  Verdict = "posted"
	Later   Verdict = "later"   // try again after Answer.Wait
	Unknown Verdict = "unknown" // the host has no such commit yet: it is not pushed
	Refused Verdict = "refused" // trying again would change nothing
)

// An Answer is what a host said to a status.
type Answer struct {
	Verdict Verdict
	Wait    time.Duration // for Later, where the host named it
	Text    string        // why, for everything but Posted
}

// requestTime is how long one request may take: go-gh itself knows no limit.
const requestTime = 30 * time.Second

// Post sends a status and says what became of it.
func (c *Client) Post(ctx context.Context, s Status) Answer {
	client, err := c.host(s.Host)
	if err != nil {
		return Answer{Verdict: Later, Text: fmt.Sprintf("%s: %v: %s", s.Host, err, c.logIn(s.Host))}
	}
	body, _ := json.Marshal(struct { // plain text: it cannot fail
		State       State  `json:"state"`
		TargetURL   string `json:"target_url,omitempty"`
		Description string `json:"description"`
		Context     string `json:"context"`
	}{s.State, s.TargetURL, s.Description, s.Context})
	path := fmt.Sprintf("repos/%s/statuses/%s", s.Repo, s.Commit)
	base := c.base(s.Host)
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	err = client.DoWithContext(ctx, http.MethodPost, base+path, bytes.NewReader(body), nil)
	var said *api.HTTPError
	switch {
	case err == nil:
		return Answer{Verdict: Posted}
	case !errors.As(err, &said):
		return Answer{Verdict: Later, Text: err.Error() + c.elsewhere(s.Host)}
	case base != "" && said.StatusCode >= 500 && c.missing(ctx, client, base, s.Target):
		return Answer{Verdict: Unknown, Text: "no commit found"}
	}
	return c.answer(said, s.Host)
}

// base is what the paths of a host's API begin with.
func (c *Client) base(host string) string {
	if c.Base == nil || c.Base(host) == "" {
		return ""
	}
	return strings.TrimSuffix(c.Base(host), "/") + "/"
}

// missing says whether a server has not got a commit. Gitea does not tell it of
// a status: for one of an unknown commit it answers as if it were broken.
// https://docs.gitea.com/api/1.24/#tag/repository/operation/repoGetSingleCommit
func (c *Client) missing(ctx context.Context, client *api.RESTClient, base string, t Target) bool {
	err := client.DoWithContext(ctx, http.MethodGet, base+fmt.Sprintf("repos/%s/git/commits/%s?stat=false&files=false&verification=false", t.Repo, t.Commit), nil, nil)
	var said *api.HTTPError
	return errors.As(err, &said) && said.StatusCode == http.StatusNotFound
}

// host returns the client of one host, which is made once.
func (c *Client) host(host string) (*api.RESTClient, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.hosts[host]; known != nil {
		return known, nil
	}
	name, _, err := net.SplitHostPort(host) // gh knows credentials of hosts, not of ports
	if err != nil {
		name = host
	}
	client, err := api.NewRESTClient(api.ClientOptions{
		Host: name, Timeout: requestTime, LogIgnoreEnv: true,
		// Go would make a GET of a POST that is redirected: a repository that
		// was renamed must be named anew.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
	if err != nil {
		return nil, err
	}
	if c.hosts == nil {
		c.hosts = map[string]*api.RESTClient{}
	}
	c.hosts[host] = client
	return client, nil
}

// forget drops the clients after credentials were refused: the next ones read
// them anew.
func (c *Client) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.hosts)
}

// answer reads an error of the API.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
func (c *Client) answer(e *api.HTTPError, host string) Answer {
	text := said(e)
	switch code := e.StatusCode; {
	case code == http.StatusUnauthorized:
		c.forget()
		return Answer{Verdict: Later, Text: text + ": " + c.logIn(host)}
	case code == http.StatusTooManyRequests, code == http.StatusForbidden && limited(e):
		return Answer{Verdict: Later, Wait: c.wait(e.Headers), Text: text}
	case code == http.StatusUnprocessableEntity && strings.Contains(strings.ToLower(text), "no commit found"):
		return Answer{Verdict: Unknown, Text: text}
	case code >= 500, code == http.StatusRequestTimeout:
		return Answer{Verdict: Later, Wait: c.wait(e.Headers), Text: text}
	case code == http.StatusNotFound, code == http.StatusForbidden:
		return Answer{Verdict: Refused, Text: text + ": the repository is not there, or the token may not write its statuses (" + c.scope(host) + ")"}
	case code >= 300 && code < 400:
		return Answer{Verdict: Refused, Text: text + ": the repository has another name now: git remote set-url origin …"}
	}
	return Answer{Verdict: Refused, Text: text}
}

// logIn says how to give a token for a host.
func (c *Client) logIn(host string) string {
	switch {
	case host == "github.com":
		return "gh auth login, or set GH_TOKEN"
	case c.base(host) != "":
		return "set GH_ENTERPRISE_TOKEN"
	}
	return fmt.Sprintf("gh auth login --hostname %s, or set GH_ENTERPRISE_TOKEN", host)
}

// scope says what a token needs.
func (c *Client) scope(host string) string {
	switch {
	case host == "github.com":
		return "gh auth refresh --scopes repo"
	case c.base(host) != "":
		return "it needs the scope write:repository, and its user the right to push"
	}
	return fmt.Sprintf("gh auth refresh --hostname %s --scopes repo%s", host, c.elsewhere(host))
}

// elsewhere tells of a host that may be no GitHub what to do then.
func (c *Client) elsewhere(host string) string {
	if host == "github.com" || c.base(host) != "" {
		return ""
	}
	return "; if " + host + " is a Gitea server, name its API under apis in daemon.yml"
}

// said is what the API said, in one line.
func said(e *api.HTTPError) string {
	text := fmt.Sprintf("HTTP %d", e.StatusCode)
	if line, _, _ := strings.Cut(e.Message, "\n"); line != "" {
		text += ": " + line
	}
	for _, item := range e.Errors {
		if item.Message != "" && !strings.Contains(text, item.Message) {
			text += "; " + item.Message
		}
	}
	return text
}

// limited says whether a 403 is about too many requests.
func limited(e *api.HTTPError) bool {
	return e.Headers.Get("Retry-After") != "" || e.Headers.Get("X-Ratelimit-Remaining") == "0" ||
		strings.Contains(strings.ToLower(e.Message), "rate limit")
}

// wait is how long the host asks to be left alone.
func (c *Client) wait(h http.Header) time.Duration {
	now := time.Now
	if c.now != nil {
		now = c.now
	}
	if after := h.Get("Retry-After"); after != "" {
		if seconds, err := strconv.Atoi(after); err == nil {
			return time.Duration(seconds) * time.Second
		}
		if at, err := http.ParseTime(after); err == nil {
			return max(0, at.Sub(now()))
		}
	}
	if h.Get("X-Ratelimit-Remaining") == "0" {
		if reset, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64); err == nil {
			return max(0, time.Unix(reset, 0).Sub(now()))
		}
	}
	return 0
}
