// Package forward gets the webhooks of a repository to a machine that nobody
// reaches, with gh and its extension cli/gh-webhook.
package forward

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// A Forwarder runs `gh webhook forward` for one repository, and begins it
// anew whenever it ends.
type Forwarder struct {
	Repo string                              // owner/name
	URL  string                              // where deliveries go
	Said func(line string)                   // hears what gh says
	Ends func(err error, wait time.Duration) // hears that gh ended, and when it begins anew

	first time.Duration // before it begins anew; 0: firstWait
}

// How long a Forwarder waits before it begins anew: twice as long each time,
// until it has run for a while.
const (
	firstWait   = time.Second
	longestWait = time.Minute
	stopWait    = 5 * time.Second // for gh to end by itself
)

// ErrMissing is wrapped by the error about a gh, or an extension of it, that
// is not there.
var ErrMissing = errors.New("is missing")

// Check says whether gh and its extension are there.
func Check(ctx context.Context) error {
	gh, err := exec.LookPath("gh")
	if err != nil {
		return fmt.Errorf("gh %w: https://cli.github.com has it; then gh auth login", ErrMissing)
	}
	if out, err := exec.CommandContext(ctx, gh, "webhook", "forward", "--help").CombinedOutput(); err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("the extension cli/gh-webhook %w: gh extension install cli/gh-webhook (%s)", ErrMissing, line)
	}
	return nil
}

// Run forwards until ctx ends.
func (f *Forwarder) Run(ctx context.Context) {
	first := f.first
	if first == 0 {
		first = firstWait
	}
	for wait := first; ctx.Err() == nil; wait = min(2*wait, longestWait) {
		began := time.Now()
		err := f.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > longestWait {
			wait = first
		}
		f.Ends(err, wait)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// once runs gh to its end. Ending ctx interrupts it and the extension that it
// runs, so that it removes its webhook.
func (f *Forwarder) once(ctx context.Context) error {
	// No secret: gh takes it as an argument alone, where other users see it.
	cmd := exec.CommandContext(ctx, "gh", "webhook", "forward", "--repo="+f.Repo, "--events=push,pull_request", "--url="+f.URL)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = stopWait
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			f.Said(lines.Text())
		}
		_, _ = io.Copy(io.Discard, out) // after a line that is too long
	}()
	err := cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what of it did not end
	}
	_ = in.Close() // it cannot fail
	<-heard
	return err
}
