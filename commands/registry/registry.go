// Package registry asks an orb registry, which is CircleCI's or one that
// speaks its GraphQL, for the sources of orbs, and fetches orbs by address.
package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultURL is where CircleCI's public registry is.
const DefaultURL = "https://circleci.com"

// MaxSource is how many bytes the source of an orb may have.
const MaxSource = 8 << 20

// timeout is how long one answer may take, whole.
const timeout = 30 * time.Second

// ErrNotFound says that the registry answers, and has no such orb.
var ErrNotFound = errors.New("there is no such orb")

// ErrUnreachable says that there is no answer: no network, say.
var ErrUnreachable = errors.New("it cannot be reached")

// ErrUnsafe says that an address is not asked because anyone could answer.
var ErrUnsafe = errors.New("an orb is fetched by https alone")

// An Orb is one version of an orb.
type Orb struct {
	Version string // exact: "5.1.3", or "dev:…"; empty where the registry does not say it
	Source  []byte
}

// A Client asks one registry. Without a token public orbs alone are seen.
type Client struct {
	url   string
	token string
	http  *http.Client
	pause time.Duration // before the second attempt; each one after waits twice as long
}

// New makes a client of the registry at an address like DefaultURL. The agent
// is how it names itself; the token, which may be empty, is an account's, for
// private orbs. The registry alone gets it, and by https.
func New(address, agent, token string) (*Client, error) {
	u, err := url.Parse(strings.TrimSuffix(strings.TrimRight(address, "/"), "/graphql-unstable"))
	if err == nil && u.User != nil {
		return nil, fmt.Errorf("the address of the registry %s has a user in it: give a token by CIRCLECI_CLI_TOKEN instead", u.Redacted())
	}
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%q is no address of a registry: it looks like %s", address, DefaultURL)
	}
	if token != "" && u.Scheme != "https" && !local(u) {
		return nil, fmt.Errorf("the registry %s is not asked by https: a token is not sent to it", u)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &Client{url: u.String(), token: token, pause: time.Second / 2, http: &http.Client{Timeout: timeout, Transport: named{transport, agent}, CheckRedirect: redirect}}, nil
}

// named puts the name of the program into each request.
type named struct {
	next  http.RoundTripper
	agent string
}

// RoundTrip sends a request.
func (n named) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", n.agent)
	return n.next.RoundTrip(r)
}

// redirect follows a few redirects, and none that leaves TLS.
func redirect(to *http.Request, via []*http.Request) error {
	if len(via) > 5 {
		return errors.New("it redirects more than five times")
	}
	if via[0].URL.Scheme == "https" && to.URL.Scheme != "https" {
		return fmt.Errorf("it redirects to %s, which is not https", to.URL.Redacted())
	}
	return nil
}

// query is that of CircleCI's own command line, by its names: what stands in
// for the registry may know no other.
const query = `query($orbVersionRef: String!) { orbVersion(orbVersionRef: $orbVersionRef) { id version orb { id } source } }`

// answer is what GraphQL says.
type answer struct {
	Data struct {
		OrbVersion *struct{ Version, Source string }
	}
	Errors []struct{ Message string }
}

// Orb fetches an orb by a reference such as "circleci/node@5.1": the newest
// version that fits. The error is ErrNotFound where there is none.
func (c *Client) Orb(ctx context.Context, ref string) (Orb, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]string{"orbVersionRef": ref}})
	if err != nil {
		return Orb{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/graphql-unstable", bytes.NewReader(body))
	if err != nil {
		return Orb{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		req.Header.Set("Authorization", c.token)
	}
	text, err := c.fetch(req, 6*MaxSource) // JSON may write a character with six
	if err != nil {
		return Orb{}, fmt.Errorf("the registry %s: %w", c.url, err)
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return Orb{}, fmt.Errorf("the registry %s does not speak GraphQL: %w", c.url, err)
	}
	return a.orb(c.url, ref)
}

func (a *answer) orb(address, ref string) (Orb, error) {
	v := a.Data.OrbVersion
	switch {
	case v == nil && len(a.Errors) > 0:
		return Orb{}, fmt.Errorf("the registry %s says: %s", address, short(a.Errors[0].Message))
	case v == nil || v.Version == "" && v.Source == "":
		return Orb{}, fmt.Errorf("the registry %s: %w: see that the name and the version of %s are right, and that the orb is public or CIRCLECI_CLI_TOKEN is set", address, ErrNotFound, ref)
	case len(v.Source) > MaxSource:
		return Orb{}, fmt.Errorf("the source has %d bytes: the limit is %d", len(v.Source), MaxSource)
	case strings.TrimSpace(v.Source) == "":
		return Orb{}, fmt.Errorf("the registry %s gives it without a source", address)
	}
	return Orb{Version: v.Version, Source: []byte(v.Source)}, nil
}

// Get fetches an orb by its address, which must be https; a server of this
// machine may do without.
func (c *Client) Get(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "https" && !local(u) {
		return nil, fmt.Errorf("%w: write https://", ErrUnsafe)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return c.fetch(req, MaxSource)
}

// local says whether an address is of this machine.
func local(u *url.URL) bool {
	return u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"
}

// fetch sends a request and reads the answer, up to a limit.
func (c *Client) fetch(req *http.Request, limit int64) ([]byte, error) {
	resp, err := c.send(req)
	if err != nil {
		return nil, unreachable(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, unreachable(err)
	case resp.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("it answers %s: %w", resp.Status, ErrNotFound)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("it answers %s: %s", resp.Status, short(string(text)))
	case int64(len(text)) > limit:
		return nil, fmt.Errorf("the answer has more than %d bytes", limit)
	}
	return text, nil
}

// unreachable says what to do where there is no network.
func unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("%w: %w: vendor orbs once where there is a network; from then on they are found offline", ErrUnreachable, err)
}

// short makes what a server said fit into a message.
func short(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	if s == "" {
		return "nothing"
	}
	return s
}
