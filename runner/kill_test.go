package runner

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestStepIsANewProcessGroup(t *testing.T) {
	eachShell(t, func(t *testing.T, c *talk) {
		const pgrp = `read -r _ _ _ _ group session _ </proc/self/stat; echo $$ $group $session`
		out, _ := c.run(2, pgrp)
		f := strings.Fields(out)
		if len(f) != 3 || f[0] != f[1] || f[0] != f[2] {
			t.Errorf("process, group and session of the step are %q", out)
		}
		file, err := os.ReadFile(filepath.Join(c.hello.Dir, "group-2"))
		if err != nil || strings.TrimSpace(string(file)) != f[0] {
			t.Errorf("the driver knows group %q: %v", file, err)
		}
	})
}

// A program whose SIGINT is ignored from its start cannot be interrupted.
func TestStepTakesSIGINT(t *testing.T) {
	eachShell(t, func(t *testing.T, c *talk) {
		out, code := c.run(2, "trap 'echo trapped; exit 3' INT\nkill -INT $$\nsleep 0.1\necho survived")
		if out != "trapped\n" || code != 3 {
			t.Errorf("code %d, output %q", code, out)
		}
		if out, code := c.run(3, "kill -INT $$\nsleep 1; echo survived"); out != "" || code != 130 {
			t.Errorf("code %d, output %q", code, out)
		}
	})
}

func TestKill(t *testing.T) {
	eachShell(t, func(t *testing.T, c *talk) {
		for i, tt := range []struct {
			signal, script string
			code           int
		}{
			{"TERM", "echo on; sleep 300", 143},
			{"INT", "echo on; while :; do sleep 0.05; done", 130}, // dash, about to start a program, hears of it when that has ended
			{"KILL", "trap '' TERM INT; echo on; sleep 300; sleep 300", 137},
			{"TERM", "trap 'exit 9' TERM; echo on; while :; do sleep 0.05; done", 9},
			{"INT", "trap 'exit 8' INT; echo on; while :; do sleep 0.05; done", 8},
			{"TERM", "echo on; sh -c 'sh -c \"sleep 300\" | cat' | cat", 143},
		} {
			n := i + 2
			c.begin(n, tt.script)
			c.until(n, "on\n")
			c.kill(n, tt.signal)
			if code := c.wait(n); code != tt.code {
				t.Errorf("%s in %q: code %d, want %d", tt.signal, tt.script, code, tt.code)
			}
		}
		if out, code := c.run(20, "echo still here"); out != "still here\n" || code != 0 {
			t.Errorf("the step after the kills: %d, %q", code, out)
		}
		c.kill(20, "KILL") // it has ended
		c.kill(99, "KILL") // it never was
		if out, code := c.run(21, "echo still here"); out != "still here\n" || code != 0 {
			t.Errorf("the step after the kills of nobody: %d, %q", code, out)
		}
	})
}

// In an image without setsid a step has no group of its own.
func TestKillWithoutSetsid(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"id", "uname", "mkdir", "sleep", "cat", "sh", "dash"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	odd := filepath.Join(bin, "a ) S 1 (b") // its name as /proc/N/stat has it
	if err := os.Symlink(filepath.Join(bin, "sleep"), odd); err != nil {
		t.Fatal(err)
	}
	c := newTalk(t, []string{filepath.Join(bin, "dash")}, "PATH="+bin)
	c.begin(2, "echo on; '"+odd+"' 300 | sh -c 'sleep 300' & echo $!; wait")
	c.until(2, "on\n")
	c.until(2, "\n")
	c.kill(2, "KILL")
	if code := c.wait(2); code != 137 {
		t.Errorf("code %d", code)
	}
	if out, code := c.run(3, "echo still here"); out != "still here\n" || code != 0 {
		t.Errorf("the step after the kill: %d, %q", code, out)
	}
	for _, id := range running(t, odd) {
		t.Errorf("process %s of the step lives", id)
	}
}

// running returns the processes whose command line holds text.
func running(t *testing.T, text string) (ids []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if line, err := os.ReadFile(f); err == nil && strings.Contains(string(line), text) {
			ids = append(ids, filepath.Base(filepath.Dir(f)))
		}
	}
	return ids
}
