package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// cancel measures the time from SIGINT in the middle of a `sleep 300` to the
// end of the program, and what is left in Docker then.
func (b *Bench) cancel() Work {
	work := Work{Name: "W6", About: "SIGINT while a step sleeps: time until the end, and what is left in Docker", Cases: []Case{
		b.floor("cancel", "docker run --init, SIGINT", "exec docker run --rm --init "+image+" sleep 300"),
		b.popsicleIn("cancel", "run"),
	}}
	work.Cases = append(work.Cases, b.others("cancel")...)
	work.Cases[1].Within = time.Second
	for i := range work.Cases {
		c := work.Cases[i]
		work.Cases[i].Measure = c.interrupt
	}
	return work
}

// interrupt starts the case, waits until its step sleeps, and interrupts it.
func (c Case) interrupt(ctx context.Context) (Sample, error) {
	before, err := everything(ctx)
	if err != nil {
		return Sample{}, err
	}
	sleeping := sleepers()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "sh", "-c", c.Command)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.Dir, &said, &said
	if err := cmd.Start(); err != nil {
		return Sample{}, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err := untilAsleep(ctx, sleeping, ended); err != nil {
		return Sample{}, fmt.Errorf("%w: %s", err, said.String())
	}
	start := time.Now()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		return Sample{}, err
	}
	select {
	case err := <-ended:
		if err == nil && strings.HasPrefix(c.Label, "popsicle") {
			return Sample{}, errors.New("ends with code 0 on SIGINT")
		}
	case <-time.After(30 * time.Second):
		return Sample{}, errors.Join(errors.New("does not end on SIGINT"), cmd.Process.Kill())
	}
	s := Sample{Wall: time.Since(start)}
	after, err := everything(ctx)
	if err != nil {
		return s, err
	}
	s.Note = leftNote(cmd.ProcessState.ExitCode(), newSince(before, after))
	return s, removeAll(ctx, newSince(before, after))
}

// untilAsleep returns when a step sleeps that did not before.
func untilAsleep(ctx context.Context, before map[string]bool, ended <-chan error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	tooLate := time.After(time.Minute)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-ended:
			return errors.Join(errors.New("ended before its step slept"), err)
		case <-tooLate:
			return errors.New("its step does not begin")
		case <-tick.C:
		}
		for pid := range sleepers() {
			if !before[pid] {
				return nil
			}
		}
	}
}

// sleepers lists the processes of this machine that run `sleep 300`.
func sleepers() map[string]bool {
	found := map[string]bool{}
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is well formed
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err == nil && strings.HasPrefix(string(line), "sleep\x00300\x00") {
			found[file] = true
		}
	}
	return found
}

// leftNote says how a program ended and what it left.
func leftNote(code int, left []string) string {
	if len(left) == 0 {
		return fmt.Sprintf("exit %d, nothing left", code)
	}
	count := map[string]int{}
	for _, l := range left {
		kind, _, _ := strings.Cut(l, " ")
		count[kind]++
	}
	return fmt.Sprintf("exit %d, LEFT %v", code, count)
}

// removeAll removes what a case left.
func removeAll(ctx context.Context, left []string) error {
	for _, kind := range []string{"container", "network", "volume"} {
		for _, l := range left {
			name, is := strings.CutPrefix(l, kind+" ")
			if !is {
				continue
			}
			args := []string{kind, "rm", name}
			if kind == "container" {
				args = []string{kind, "rm", "--force", "--volumes", name}
			}
			if _, err := listed(ctx, args...); err != nil {
				return err
			}
		}
	}
	return nil
}
