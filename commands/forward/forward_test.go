package forward

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fakeGh puts a script before all else on PATH.
func fakeGh(t *testing.T, script string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "gh"), []byte("#!/bin/sh\ncd "+dir+"\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	return dir
}

// has waits until a file holds text.
func has(t *testing.T, file, text string) {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		if got, _ := os.ReadFile(file); strings.Contains(string(got), text) {
			return
		}
		select {
		case <-late:
			got, _ := os.ReadFile(file)
			t.Fatalf("%s never held %q: %q", file, text, got)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestForwardBeginsAnewAndEnds(t *testing.T) {
	dir := fakeGh(t, `echo "$@" >> args
echo forwarding
if [ "$(wc -l < args)" -lt 3 ]; then echo "Hook already exists" >&2; exit 1; fi
trap 'echo interrupted >> args; exit 0' INT
(trap 'echo child too >> args; exit' INT; while :; do sleep 0.05; done) & echo $! > child
while :; do sleep 0.05; done
`)
	said, ends := make(chan string, 100), make(chan time.Duration, 100)
	f := &Forwarder{
		Repo: "acme/app", URL: "http://127.0.0.1:1/webhook", first: 10 * time.Millisecond,
		Said: func(line string) { said <- line }, Ends: func(_ error, wait time.Duration) { ends <- wait },
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f.Run(ctx) }()
	if first, second := <-ends, <-ends; second != 2*first {
		t.Errorf("it waits %s, then %s", first, second)
	}
	has(t, filepath.Join(dir, "child"), "\n")
	stop()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("it does not end")
	}
	args, _ := os.ReadFile(filepath.Join(dir, "args"))
	if want := "webhook forward --repo=acme/app --events=push,pull_request --url=http://127.0.0.1:1/webhook\n"; strings.Count(string(args), want) != 3 || !strings.Contains(string(args), "interrupted") {
		t.Errorf("gh was run as\n%s", args)
	}
	pid, _ := os.ReadFile(filepath.Join(dir, "child"))
	if alive(t, strings.TrimSpace(string(pid))) {
		t.Error("what gh had begun lives on")
	}
	if first := <-said; first != "forwarding" {
		t.Errorf("said %q", first)
	}
}

// alive says whether a process runs.
func alive(t *testing.T, pid string) bool {
	t.Helper()
	n := 0
	for _, c := range pid {
		n = 10*n + int(c-'0')
	}
	late := time.After(5 * time.Second)
	for {
		state, _ := os.ReadFile("/proc/" + pid + "/stat")
		if syscall.Kill(n, 0) != nil || strings.Contains(string(state), ") Z ") {
			return false
		}
		select {
		case <-late:
			return true
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestCheck(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := Check(t.Context()); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "https://cli.github.com") {
		t.Errorf("without gh: %v", err)
	}
	fakeGh(t, `echo 'unknown command "webhook" for "gh"' >&2; exit 1`)
	if err := Check(t.Context()); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "gh extension install cli/gh-webhook") {
		t.Errorf("without the extension: %v", err)
	}
	fakeGh(t, `test "$*" = "webhook forward --help"`)
	if err := Check(t.Context()); err != nil {
		t.Error(err)
	}
}
