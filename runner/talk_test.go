package runner

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A talk is a session with the driver in a shell of this host.
type talk struct {
	*session
	t     testing.TB
	shell []string
	dead  chan struct{} // closed when the shell has ended

	mu   sync.Mutex
	news *sync.Cond
	out  map[int][]byte // what each step wrote
}

// patience is how long a test waits for what must come, on a busy machine.
const patience = 20 * time.Second

// newTalk starts the driver in a shell, as a container would.
func newTalk(t testing.TB, shell []string, env ...string) *talk {
	t.Helper()
	// Without a handler here, a test that was started in the background of a
	// shell would hand an ignored SIGINT down to every step.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	c := &talk{t: t, shell: shell, dead: make(chan struct{}), out: map[int][]byte{}}
	c.news = sync.NewCond(&c.mu)
	cmd := exec.Command(shell[0], slices.Concat(shell[1:], []string{"-c", bootstrap, "popsicle"})...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		<-c.dead
		_ = os.RemoveAll(c.hello.Dir)
	})
	go func() {
		_ = cmd.Wait() // closes the output: what a step left behind may hold it open
		close(c.dead)
	}()
	c.session = newSession(wire{stdin, stdout, func() error { <-c.dead; return nil }}, c.hear)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.meet(ctx); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *talk) hear(step int, p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out[step] = append(c.out[step], p...)
	c.news.Broadcast()
}

// begin starts a script as a step of the shell under test.
func (c *talk) begin(n int, script string) {
	c.put(fmt.Sprintf("step-%d.sh", n), script)
	c.start(n, c.command())
}

func (c *talk) command() string { return strings.Join(c.shell, " ") + " -e" }

// wait waits for the end of a step and returns its exit code.
func (c *talk) wait(n int) int {
	c.t.Helper()
	select {
	case code := <-c.end(n):
		return code
	case <-c.ended:
		c.t.Fatalf("the shell ended in step %d: %v", n, c.broken())
	case <-time.After(patience):
		c.t.Fatalf("step %d does not end; it wrote %q", n, c.said(n))
	}
	return -1
}

// said returns what a step wrote so far.
func (c *talk) said(n int) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.out[n])
}

// until waits for something in the output of a step.
func (c *talk) until(n int, text string) {
	c.t.Helper()
	timeout := time.AfterFunc(patience, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.out[n] = append(c.out[n], "(the test's patience ended here)"+text...)
		c.news.Broadcast()
	})
	defer timeout.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !bytes.Contains(c.out[n], []byte(text)) {
		c.news.Wait()
	}
	if bytes.Contains(c.out[n], []byte("(the test's patience")) {
		c.t.Fatalf("step %d wrote %q", n, c.out[n])
	}
}

// run runs a script to its end.
func (c *talk) run(n int, script string) (string, int) {
	c.t.Helper()
	c.begin(n, script)
	code := c.wait(n)
	return c.said(n), code
}

func (c *talk) must(text string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	if code, err := c.eval(ctx, text); err != nil || code != 0 {
		c.t.Fatalf("eval of %q: %d, %v", text, code, err)
	}
}

// eachShell runs a test in every shell of this host that images have as sh.
func eachShell(t *testing.T, test func(t *testing.T, c *talk)) {
	found := 0
	for _, shell := range [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "sh"}} {
		path, err := exec.LookPath(shell[0])
		if err != nil {
			t.Logf("SKIPPED: no %s on this host", shell[0])
			continue
		}
		found++
		t.Run(shell[0], func(t *testing.T) {
			t.Parallel()
			test(t, newTalk(t, append([]string{path}, shell[1:]...)))
		})
	}
	if found == 0 {
		t.Fatal("none of the shells is here")
	}
}
