package runner

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestHello(t *testing.T) {
	eachShell(t, func(t *testing.T, c *talk) {
		h := c.hello
		if h.UID != os.Getuid() || h.GID != os.Getgid() || h.Home != os.Getenv("HOME") {
			t.Errorf("%+v", h)
		}
		for name, has := range map[string]bool{"/bin/bash": h.Bash, "tar": h.Tar} {
			if _, err := exec.LookPath(name); (err == nil) != has {
				t.Errorf("%s: %v says the driver, %v the host", name, has, err)
			}
		}
		if info, err := os.Stat(h.Dir); err != nil || !info.IsDir() {
			t.Errorf("folder %q: %v", h.Dir, err)
		}
	})
}

// A Mac has no /proc: there the driver asks other programs.
func TestDriverWithoutProc(t *testing.T) {
	hide := []string{"unshare", "--mount", "sh", "-c", `mount -t tmpfs none /proc && exec "$@"`, "sh"}
	if out, err := exec.Command(hide[0], append(hide[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("/proc cannot be hidden here: %v %s", err, out)
	}
	for _, shell := range []string{"dash", "bash"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		t.Run(shell, func(t *testing.T) {
			c := newTalk(t, append(slices.Clone(hide), path))
			if h := c.hello; h.UID != os.Getuid() || h.GID != os.Getgid() || !h.Tar {
				t.Errorf("%+v", h)
			}
			c.shell = []string{path}
			c.begin(1, "echo began; sleep 300")
			c.until(1, "began")
			c.kill(1, "KILL")
			if code := c.wait(1); code != 137 {
				t.Errorf("killed, the step ended with %d", code)
			}
			if out, code := c.run(2, "echo on"); out != "on\n" || code != 0 {
				t.Errorf("the step after it: %q %d", out, code)
			}
		})
	}
}

func TestSteps(t *testing.T) {
	tests := []struct {
		name, script string
		out          string
		code         int
	}{
		{"nothing", "", "", 0},
		{"output", "echo hello\necho world", "hello\nworld\n", 0},
		{"both outputs, in order", "echo a; echo b >&2; echo c", "a\nb\nc\n", 0},
		{"an exit code", "exit 7", "", 7},
		{"the largest exit code", "exit 255", "", 255},
		{"a failing command ends it", "echo a\nfalse\necho b", "a\n", 1},
		{"no such command", "no-such-command 2>/dev/null", "", 127},
		{"killed by itself", "kill -9 $$", "", 137},
		{"a syntax error", "if 2>/dev/null; then exec 2>/dev/null; fi; exit 4", "", 4},
		{"no newline at the end", "printf abc", "abc", 0},
		{"NUL and every other byte", `i=0; while [ $i -lt 256 ]; do printf "\\$(printf %o $i)"; i=$((i+1)); done`, allBytes(), 0},
		{"the beginning of a token", `printf '\036abcdef\n\036'`, "\x1eabcdef\n\x1e", 0},
		{"what looks like a control line", "echo 'end 2 0'; echo 'done 0'", "end 2 0\ndone 0\n", 0},
		{"standard input is empty", "if read -r x; then echo read; else echo EOF; fi; wc -c", "EOF\n0\n", 0},
		{"quotes, dollars and backslashes", `echo "a'b\"c" '$HOME' "\\" '\n'` + "\n", "", -1},
		{"a here-document", "cat <<'E'\n$HOME \\\n\tx\nE\n", "$HOME \\\n\tx\n", 0},
		{"blank lines and trailing blanks", "\n\n  echo 'a  '  \n\n\n", "a  \n", 0},
		{"not ASCII", "echo 'žluťoučký \xff\x81\x88 kůň'", "žluťoučký \xff\x81\x88 kůň\n", 0},
		{"a megabyte in one line", "head -c 1000000 /dev/zero | tr '\\0' x; echo", strings.Repeat("x", 1000000) + "\n", 0},
		{"a thousand lines", "i=0; while [ $i -lt 1000 ]; do echo $i; i=$((i+1)); done", numbers(1000), 0},
		{"a long script", strings.Repeat("# a comment that is long enough to count\n", 300) + "echo end", "end\n", 0},
	}
	eachShell(t, func(t *testing.T, c *talk) {
		for i, tt := range tests {
			out, code := c.run(i+2, tt.script)
			if tt.code < 0 { // whatever this shell itself makes of it
				want, err := exec.Command(c.shell[0], slices.Concat(c.shell[1:], []string{"-ec", tt.script})...).Output()
				if err != nil {
					t.Fatal(err)
				}
				tt.out, tt.code = string(want), 0
			}
			if out != tt.out || code != tt.code {
				t.Errorf("%s: code %d, want %d; %d bytes %.80q, want %d bytes %.80q", tt.name, code, tt.code, len(out), out, len(tt.out), tt.out)
			}
		}
	})
}

func allBytes() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, i)
	}
	return b.String()
}

// Answers that nobody waits for any more must not stop the listener.
func TestAnswersAfterACancel(t *testing.T) {
	stdout, out := io.Pipe()
	s := newSession(wire{nopCloser{io.Discard}, stdout, func() error { return nil }}, func(int, []byte) {})
	for range 5 {
		s.control("done 0")
	}
	_ = out.Close()
	<-s.ended
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func TestEndOfInputEndsTheShell(t *testing.T) {
	eachShell(t, func(t *testing.T, c *talk) {
		c.begin(2, "echo on; exec sleep 300")
		c.until(2, "on\n")
		pid, err := os.ReadFile(filepath.Join(c.hello.Dir, "group-2"))
		if err != nil {
			t.Fatal(err)
		}
		var group int
		if _, err := fmt.Sscan(string(pid), &group); err != nil {
			t.Fatal(err)
		}
		_ = c.in.Close()
		select {
		case <-c.dead: // in a container all the rest goes with it
		case <-time.After(patience):
			t.Error("the shell goes on")
		}
		_ = syscall.Kill(-group, syscall.SIGKILL)
	})
}

func TestParseHello(t *testing.T) {
	h, err := parseHello("uid=1000 gid=50 bash=y tar= dir=/tmp/.popsicle-7 home=/home/some one")
	want := hello{UID: 1000, GID: 50, Bash: true, Dir: "/tmp/.popsicle-7", Home: "/home/some one"}
	if err != nil || h != want {
		t.Errorf("%+v, %v", h, err)
	}
	for _, line := range []string{"", "uid= gid=0 dir=/x home=/", "uid=0 gid=x dir=/x home=/", "uid=0 gid=0 dir= home=/"} {
		if _, err := parseHello(line); err == nil {
			t.Errorf("%q: no error", line)
		}
	}
}

func TestDriverIsSentWithoutItsComments(t *testing.T) {
	for line := range strings.Lines(driver()) {
		if t1 := strings.TrimSpace(line); t1 == "" || t1[0] == '#' || t1 == "." {
			t.Errorf("line %q", line)
		}
	}
	if len(driver()) > 4<<10 || len(commands()) > 12<<10 {
		t.Errorf("%d bytes, which a shell reads one by one", len(driver()))
	}
}

// Whatever a container writes, its listener comes to the end.
func FuzzSession(f *testing.F) {
	f.Add([]byte("T hello uid=0 gid=0 dir=/x home=/\nT done 0\nT end 2 1\ntext"))
	f.Add([]byte("T end x y\nT bg\nT bg 2 a\nT skip\nT done\nT \nT"))
	f.Add([]byte("T end 2 0\nT end 2 0\nT hello\nT hello\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		sent := make(chan string, 1)
		stdout, out := io.Pipe()
		s := newSession(wire{tokenReader{sent}, stdout, func() error { return nil }}, func(int, []byte) {})
		data = bytes.ReplaceAll(data, []byte("T"), []byte(<-sent))
		go func() {
			_, _ = out.Write(data)
			_ = out.Close()
		}()
		select {
		case <-s.ended:
		case <-time.After(patience):
			t.Fatalf("the listener hangs in %q", data)
		}
	})
}

// A tokenReader finds the token in what is sent to a driver.
type tokenReader struct{ sent chan string }

func (r tokenReader) Write(p []byte) (int, error) {
	if lines := strings.Split(strings.TrimSuffix(string(p), "\n"), "\n"); len(lines) > 1 {
		select {
		case r.sent <- lines[len(lines)-1]:
		default: // the token came first, and nobody waits for the files after it
		}
	}
	return len(p), nil
}

func (tokenReader) Close() error { return nil }
