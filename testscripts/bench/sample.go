package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// A Sample is what one time of a case took.
type Sample struct {
	Wall time.Duration
	CPU  time.Duration // of the command and the programs that it waited for
	MB   int           // most memory of the largest of these programs
	Note string
}

// once runs a case one time.
func (c Case) once(ctx context.Context) (Sample, error) {
	if c.Before != nil {
		if err := c.Before(ctx); err != nil {
			return Sample{}, err
		}
	}
	if c.Measure != nil {
		return c.Measure(ctx)
	}
	// Output goes to a file, as a log does: no reader holds the command up.
	out, err := os.CreateTemp("", "popsicle-bench-")
	if err != nil {
		return Sample{}, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.CommandContext(ctx, "sh", "-c", c.Command)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.Dir, out, out
	start := time.Now()
	err = cmd.Run()
	s := Sample{Wall: time.Since(start)}
	if err != nil {
		return s, fmt.Errorf("%s: %w\n%s", c.Command, err, endOf(out))
	}
	s.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if use, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.MB = int(use.Maxrss >> 10) // Linux counts in KB
	}
	if c.Check != nil {
		err = c.Check(endOf(out))
	}
	return s, err
}

// endOf returns the end of a file. More would make this process large, and
// the memory of the commands that it starts is counted from its own.
func endOf(f *os.File) string {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err.Error()
	}
	text := make([]byte, min(size, 4<<10))
	if _, err := f.ReadAt(text, size-int64(len(text))); err != nil {
		return err.Error()
	}
	return string(text)
}

// median returns the middle of what pick finds in the samples.
func median[T int | time.Duration](samples []Sample, pick func(Sample) T) T {
	var all []T
	for _, s := range samples {
		all = append(all, pick(s))
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func wall(s Sample) time.Duration { return s.Wall }
func cpu(s Sample) time.Duration  { return s.CPU }
func mb(s Sample) int             { return s.MB }
