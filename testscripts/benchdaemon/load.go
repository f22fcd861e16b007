package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// payloadSize is about what GitHub sends for a push.
const payloadSize = 8 << 10

// A request is one signed delivery.
type request struct {
	name, signature string
	body            []byte
}

// payload is the push of the i-th commit, each to a branch of its own, so that
// none supersedes another.
func payload(i int) request {
	commit := fmt.Sprintf("%040x", i+1)
	branch := fmt.Sprintf("b%d", i)
	body, _ := json.Marshal(map[string]any{ // plain data: it cannot fail
		"ref": "refs/heads/" + branch, "before": strings.Repeat("0", 40), "after": commit, "created": true,
		"head_commit": map[string]any{"id": commit, "message": "change " + branch, "author": map[string]any{"name": "Ada"}},
		"repository":  map[string]any{"id": 1, "full_name": "acme/app", "default_branch": "main", "description": strings.Repeat("x", payloadSize-400)},
	})
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return request{fmt.Sprintf("00000000-0000-0000-0000-%012d", i), "sha256=" + hex.EncodeToString(mac.Sum(nil)), body}
}

// answers are what the deliveries got.
type answers struct {
	mu    sync.Mutex
	names []string // that got 202, or 200 as one that was there before
	took  []time.Duration
	whole time.Duration // from the first to the last
}

func (a *answers) taken() []string { return a.names }

func (a *answers) quantiles() (p50, p99, worst time.Duration) {
	slices.Sort(a.took)
	at := func(share float64) time.Duration {
		return a.took[int(share*float64(len(a.took)-1))].Round(10 * time.Microsecond)
	}
	return at(0.5), at(0.99), at(1)
}

// send posts all deliveries, as many at once as there are connections. The
// signatures are made before the clock runs.
func (s *suite) send(ctx context.Context, url string) *answers {
	return s.load(ctx, url, -1, func() {})
}

// sendUntil is send, and kills the daemon when so many were taken.
func (s *suite) sendUntil(ctx context.Context, d *running, n int) *answers {
	return s.load(ctx, d.url, int64(n), d.kill)
}

func (s *suite) load(ctx context.Context, url string, n int64, then func()) *answers {
	all := make([]request, s.deliveries)
	for i := range all {
		all[i] = payload(i)
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: s.connections, MaxConnsPerHost: s.connections}}
	defer client.CloseIdleConnections()
	var next, taken atomic.Int64
	var workers sync.WaitGroup
	found, start := &answers{}, time.Now()
	for range s.connections {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(all)); i = next.Add(1) - 1 {
				began := time.Now()
				if !post(ctx, client, url, all[i]) {
					continue
				}
				found.add(all[i].name, time.Since(began))
				if taken.Add(1) == n {
					then()
				}
			}
		})
	}
	workers.Wait()
	found.whole = time.Since(start)
	return found
}

func (a *answers) add(name string, took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.names, a.took = append(a.names, name), append(a.took, took)
}

// post sends one delivery, and says whether the daemon has it.
func post(ctx context.Context, client *http.Client, url string, one request) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/webhook", bytes.NewReader(one.body))
	if err != nil {
		return false
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", "push")
	r.Header.Set("X-GitHub-Delivery", one.name)
	r.Header.Set("X-Hub-Signature-256", one.signature)
	answer, err := client.Do(r)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body) // for the connection to be used again
	return answer.StatusCode == http.StatusAccepted || answer.StatusCode == http.StatusOK
}
