package db

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

func TestTokens(t *testing.T) {
	d := open(t)
	secret, err := d.NewToken(t.Context(), "laptop", ScopeWrite, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if len(secret) < len(tokenPrefix)+43 || !strings.HasPrefix(secret, tokenPrefix) {
		t.Errorf("secret %q", secret)
	}
	got, err := d.TokenOf(t.Context(), secret)
	if err != nil || got.Name != "laptop" || got.Scope != ScopeWrite {
		t.Fatal(got, err)
	}
	for _, wrong := range []string{"", "x", tokenPrefix, secret + "x", secret[:len(secret)-1], strings.ToUpper(secret), " " + secret} {
		if got, err := d.TokenOf(t.Context(), wrong); !isNotFound(err) {
			t.Errorf("%q is the token %v, %v", wrong, got, err)
		}
	}
	if _, err := d.NewToken(t.Context(), "laptop", ScopeRead, time.Time{}); !errors.Is(err, ErrTaken) {
		t.Errorf("the second of a name: %v", err)
	}
	if err := d.TokenUsed(t.Context(), got); err != nil {
		t.Fatal(err)
	}
	if all, err := d.Tokens(t.Context()); err != nil || len(all) != 1 || all[0].Used.IsZero() {
		t.Error(all, err)
	}
	if err := d.RemoveToken(t.Context(), "laptop"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.TokenOf(t.Context(), secret); !isNotFound(err) {
		t.Errorf("a removed token: %v", err)
	}
	if err := d.RemoveToken(t.Context(), "laptop"); !isNotFound(err) {
		t.Errorf("removed twice: %v", err)
	}
}

func TestTokenExpires(t *testing.T) {
	d := open(t)
	for name, life := range map[string]time.Duration{"past": -time.Second, "future": time.Hour} {
		secret, err := d.NewToken(t.Context(), name, ScopeRead, time.Now().Add(life))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.TokenOf(t.Context(), secret); isNotFound(err) != (life < 0) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSecretIsNotKept looks for a token's secret in the files of the history.
func TestSecretIsNotKept(t *testing.T) {
	d := open(t)
	secret, err := d.NewToken(t.Context(), "laptop", ScopeRead, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(d.Path() + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(secret[len(tokenPrefix):])) {
			t.Errorf("history.db%s holds the secret", suffix)
		}
	}
}

func TestCounts(t *testing.T) {
	d := open(t)
	record(t, d, smallRun()...)
	id, r := begin(t, d)
	for _, e := range smallRun()[:5] {
		handle(t, r, e)
	}
	waitFor(t, func() bool {
		c, err := d.Counts(t.Context())
		return err == nil && c.Pipelines[event.Running] == 1 && c.Jobs[event.Running] == 1 && c.Pipelines[event.Failed] == 1 && c.Jobs[event.Failed] == 1
	})
	if err := r.Close(t.Context()); err != nil { // interrupted
		t.Fatal(err)
	}
	if err := d.change(t.Context(), "DELETE FROM pipelines WHERE id <> ?", id); err != nil {
		t.Fatal(err)
	}
	c, err := d.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for status, n := range c.Jobs {
		if n != c.Pipelines[status] || n != map[event.Status]int64{event.Interrupted: 1}[status] {
			t.Errorf("%d jobs and %d pipelines are %s", n, c.Pipelines[status], status)
		}
	}
}

func TestRequestCancel(t *testing.T) {
	d := open(t)
	ended := record(t, d, smallRun()...)
	if err := d.RequestCancel(t.Context(), ended, "Ada"); !errors.Is(err, ErrEnded) {
		t.Errorf("of an ended pipeline: %v", err)
	}
	if err := d.RequestCancel(t.Context(), 99, "Ada"); !isNotFound(err) {
		t.Errorf("of no pipeline: %v", err)
	}
	id, r := begin(t, d)
	defer r.Close(t.Context())
	if _, asked, err := d.CancelRequested(t.Context(), id); asked || err != nil {
		t.Error(asked, err)
	}
	for range 2 {
		if err := d.RequestCancel(t.Context(), id, "Ada"); err != nil {
			t.Fatal(err)
		}
	}
	if by, asked, err := d.CancelRequested(t.Context(), id); !asked || by != "Ada" || err != nil {
		t.Error(by, asked, err)
	}
}

func TestWatch(t *testing.T) {
	d := open(t)
	w, err := d.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i, want := range []bool{true, false, true, false} {
		if i == 2 {
			record(t, openAt(t, d.Path())) // as another process does
		}
		if got, err := w.Changed(t.Context()); got != want || err != nil {
			t.Errorf("%d: changed %v, %v", i, got, err)
		}
	}
}
