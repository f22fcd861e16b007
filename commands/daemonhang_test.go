package commands

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// hangingDocker is a client whose engine never answers, but where it removes
// something: the end of the test would wait for that. It writes into the pipe
// that is returned when it is asked.
func hangingDocker(t *testing.T) (asked string) {
	t.Helper()
	dir := t.TempDir()
	asked = filepath.Join(dir, "asked")
	if err := syscall.Mkfifo(asked, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\ncase \" $* \" in *' rm '*) exit 0;; esac\necho > "+asked+"\nexec sleep 600\n"), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return asked
}

// TestAHungEngineHoldsNoWebhookUp: GitHub gives up after ten seconds.
func TestAHungEngineHoldsNoWebhookUp(t *testing.T) {
	asked := hangingDocker(t)
	d := idle(t)
	r, sh := served(t, "version: 2.1\njobs: {a: {docker: [{image: busybox}], steps: [run: ls]}}\nworkflows: {w: {jobs: [a]}}\n")
	sh("git rev-parse HEAD > head")
	s := settings{Jobs: 1, Statuses: statusOff, Secrets: [][]byte{[]byte("s3cret")}, Repos: map[string]db.Repo{"acme/app": r}}
	d.now.Store(&s)
	ctx, stop := context.WithCancel(t.Context())
	worked := make(chan struct{})
	go func() { defer close(worked); d.work(ctx) }()
	t.Cleanup(func() { d.handBack(); d.hurry(); stop(); <-worked })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	handler := d.server(l, s).Handler()
	refs, _, err := d.mirror(r).Refs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	post := func(n int) {
		t.Helper()
		body := fmt.Sprintf(`{"n":%d,"ref":"refs/heads/main","after":%q,"repository":{"id":1,"full_name":"acme/app","default_branch":"main"}}`, n, refs["refs/heads/main"])
		mac := hmac.New(sha256.New, []byte("s3cret"))
		mac.Write([]byte(body))
		q := httptest.NewRequest(http.MethodPost, "/webhook", strings.NewReader(body))
		for name, value := range map[string]string{"Content-Type": "application/json", "X-GitHub-Event": "push", "X-GitHub-Delivery": fmt.Sprintf("00000000-%d", n),
			"X-Hub-Signature-256": "sha256=" + hex.EncodeToString(mac.Sum(nil))} {
			q.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		began := time.Now()
		handler.ServeHTTP(w, q)
		if took := time.Since(began); w.Code != http.StatusAccepted || took > 5*time.Second {
			t.Errorf("%d after %s: %s", w.Code, took, w.Body)
		}
	}
	post(1)
	if _, err := os.ReadFile(asked); err != nil { // it waits for somebody to write
		t.Fatal(err)
	}
	post(2)
	if p, err := d.history.Pipeline(t.Context(), 1); err != nil || p.Status.Ended() {
		t.Errorf("%+v, %v; want one that is %s", p, err, event.Running)
	}
}
