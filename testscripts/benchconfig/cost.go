package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// A cost is what one process took.
type cost struct {
	wall, cpu time.Duration
	mb        int // its peak of memory
}

// measure runs a command on a config in turn, and returns the median.
func (s *suite) measure(ctx context.Context, verb, text string) (cost, error) {
	file := filepath.Join(s.dir, "config.yml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return cost{}, err
	}
	var all []cost
	for range s.rounds {
		c, err := s.run(ctx, false, "config", verb, file)
		if err != nil {
			return cost{}, err
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b cost) int { return cmp.Compare(a.cpu, b.cpu) })
	return all[len(all)/2], nil
}

// run runs popsicle once, on one core. Where it may be refused, a config with
// mistakes is no failure: they are told, and cost as well.
func (s *suite) run(ctx context.Context, mayBeRefused bool, args ...string) (cost, error) {
	cmd := exec.CommandContext(ctx, s.popsicle, args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	wall := time.Since(begin)
	var exit *exec.ExitError
	if err != nil && !(mayBeRefused && errors.As(err, &exit) && exit.ExitCode() == 2) {
		return cost{}, fmt.Errorf("popsicle %v: %w\n%s", args[:2], err, out)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	kb := usage.Maxrss
	if runtime.GOOS == "darwin" {
		kb /= 1024 // there it is in bytes
	}
	return cost{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), int(kb / 1024)}, nil
}
