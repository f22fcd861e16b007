package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// A daemon is a popsicle daemon that runs.
type daemon struct {
	url string
	run *exec.Cmd
}

// start starts a daemon and waits until it listens.
func (s *suite) start(ctx context.Context) (*daemon, error) {
	run := exec.CommandContext(ctx, s.popsicle, "daemon", "--listen", "127.0.0.1:0", "--unsigned", "--log-format", "json", "--rate", "1000000")
	run.Env = append(os.Environ(), "POPSICLE_HOME="+s.home)
	out, err := run.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := run.Start(); err != nil {
		return nil, err
	}
	said := bufio.NewScanner(out)
	for said.Scan() {
		var line struct{ Msg, Address string }
		if json.Unmarshal(said.Bytes(), &line) == nil && line.Msg == "daemon listens" {
			go func() {
				for said.Scan() { // so that it can write on
				}
			}()
			return &daemon{"http://" + line.Address, run}, nil
		}
		fmt.Fprintln(os.Stderr, said.Text())
	}
	return nil, errors.Join(errors.New("the daemon ended before it listened"), run.Wait())
}

func (d *daemon) end() error {
	if err := d.run.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return d.run.Wait()
}

// memory is the most that the daemon ever had in memory, in MB, of which its
// own: pages of the history's file are mapped, and no use of memory.
func (d *daemon) memory() (peak, own float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.run.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range bytes.Lines(text) {
		if f := bytes.Fields(line); len(f) > 1 {
			kb, _ := strconv.ParseFloat(string(f[1]), 64) // the lines with other words are not used
			switch string(f[0]) {
			case "VmHWM:":
				peak = kb / 1024
			case "RssAnon:":
				own = kb / 1024
			}
		}
	}
	return peak, own, nil
}
