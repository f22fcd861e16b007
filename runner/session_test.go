package runner

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
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

func TestStepSentAhead(t *testing.T) {
	ahead := func(c *talk, n int, script string) {
		c.put(fmt.Sprintf("step-%d.sh", n), script)
		c.follow(n, c.command())
	}
	eachShell(t, func(t *testing.T, c *talk) {
		c.begin(2, "echo two")
		ahead(c, 3, "echo three")
		if a, b := c.wait(2), c.wait(3); a != 0 || b != 0 || c.said(2) != "two\n" || c.said(3) != "three\n" {
			t.Errorf("after a success: %d %q, %d %q", a, c.said(2), b, c.said(3))
		}
		c.begin(4, "echo four; exit 1")
		ahead(c, 5, "echo five")
		c.wait(4)
		if out, code := c.run(6, "echo six"); out != "six\n" || code != 0 || c.said(5) != "" {
			t.Errorf("after a failure: %q, %q", c.said(5), out)
		}
		c.begin(7, "trap 'exit 0' TERM; echo on; while :; do sleep 0.05; done")
		ahead(c, 8, "echo eight")
		c.until(7, "on\n")
		c.kill(8, "KILL")
		c.kill(7, "TERM")
		if code := c.wait(7); code != 0 {
			t.Errorf("the step that traps the signal: %d", code)
		}
		if out, code := c.run(9, "echo nine"); out != "nine\n" || code != 0 || c.said(8) != "" {
			t.Errorf("a step that was taken back: %q, then %q", c.said(8), out)
		}
	})
}

// A step that halts the job goes on to its own end; what was sent ahead does
// not begin, whatever its code.
func TestStepThatHalts(t *testing.T) {
	for _, code := range []int{0, 3} {
		eachShell(t, func(t *testing.T, c *talk) {
			_, _ = c.eval(t.Context(), `export PATH="$_bin:$PATH"`)
			c.begin(2, fmt.Sprintf("circleci-agent step halt; echo on; exit %d", code))
			c.put("step-3.sh", "echo three")
			c.follow(3, c.command())
			if got := c.wait(2); got != code || c.said(2) != "on\n" || c.halted.Load() != 2 {
				t.Errorf("ended with %d, halted %v: %q", got, c.halted.Load(), c.said(2))
			}
			if code, err := c.eval(t.Context(), "true"); code != 0 || err != nil || c.said(3) != "" {
				t.Errorf("then: %d, %v, %q", code, err, c.said(3))
			}
		})
	}
}

func TestBackgroundStep(t *testing.T) {
	eachShell(t, func(t *testing.T, c *talk) {
		c.put("step-2.sh", "echo up; while [ ! -e go ]; do sleep 0.02; done; printf 'last  line'; exit 3")
		c.beside(2, c.command())
		c.until(2, "up\n")
		if out, code := c.run(3, "echo beside; touch go"); out != "beside\n" || code != 0 {
			t.Errorf("beside it: %d, %q", code, out)
		}
		if code := c.wait(2); code != 3 || c.said(2) != "up\nlast  line\n" {
			t.Errorf("the background step: %d, %q", code, c.said(2))
		}
		c.put("step-4.sh", "echo up; sleep 300")
		c.beside(4, c.command())
		c.until(4, "up\n")
		c.kill(4, "TERM")
		if code := c.wait(4); code != 143 {
			t.Errorf("the killed one: %d", code)
		}
	})
}

// Long lines of background steps are torn by a full pipe; no answer may be
// lost in them.
func TestBackgroundStepsTalkAllAtOnce(t *testing.T) {
	eachShell(t, func(t *testing.T, c *talk) {
		const chatty = `l=0123456789; l=$l$l$l$l$l$l$l$l$l$l; l=$l$l$l$l$l$l$l$l$l$l; l=$l$l$l$l$l$l$l$l$l$l
			i=0; while [ $i -lt 30 ]; do echo "$l"; i=$((i+1)); done`
		for n := 2; n < 5; n++ {
			c.put(fmt.Sprintf("step-%d.sh", n), chatty)
			c.beside(n, c.command())
		}
		for n := 10; n < 30; n++ {
			if _, code := c.run(n, "echo step"); code != 0 {
				t.Fatalf("step %d: %d", n, code)
			}
		}
		for n := 2; n < 5; n++ {
			if code := c.wait(n); code != 0 {
				t.Errorf("step %d: %d", n, code)
			}
		}
	})
}

func TestStepLeavesAChildThatWrites(t *testing.T) {
	eachShell(t, func(t *testing.T, c *talk) {
		out, code := c.run(2, "(while [ ! -e go ]; do sleep 0.02; done; echo late) & echo early")
		if out != "early\n" || code != 0 {
			t.Errorf("the step: %d, %q", code, out)
		}
		// What it writes later goes to the step that runs then.
		if out, code := c.run(3, "touch go; while ! grep -q x end 2>/dev/null; do sleep 0.02; [ -e seen ] && echo x >end; : >seen; done; echo step"); code != 0 || !strings.Contains(out, "step\n") {
			t.Errorf("the step after it: %d, %q", code, out)
		}
		c.until(3, "late\n")
	})
}

func TestEval(t *testing.T) {
	values := []string{
		"", " ", "plain", "two words", "it's", `"quoted"`, `back\slash\\`, "$HOME ${HOME} $(id) `id`", "line\nline\n", "\n", "tab\t*?[]",
		"-n", "end 2 0", "a=b", "žluť", "\x01\x1e\x7f\x81\x88\xff", strings.Repeat("long ", 5000), "'", "''", `\`, "!", "~", "\r\n", "#", "%s%n",
	}
	eachShell(t, func(t *testing.T, c *talk) {
		var vars []string
		var text strings.Builder
		for i, v := range values {
			vars = append(vars, fmt.Sprintf("V%d", i))
			exported, refused := exports(varsOf(vars[i], v))
			if refused != nil {
				t.Fatal(refused)
			}
			text.WriteString(exported)
		}
		c.must(text.String())
		var script strings.Builder
		for _, name := range vars {
			fmt.Fprintf(&script, "printf '%%s\\0' \"$%s\"\n", name)
		}
		out, _ := c.run(2, script.String())
		for i, got := range strings.Split(strings.TrimSuffix(out, "\x00"), "\x00") {
			if got != values[i] {
				t.Errorf("%.60q became %.60q", values[i], got)
			}
		}
		ctx := t.Context()
		if code, err := c.eval(ctx, "(exit 9)"); code != 9 || err != nil {
			t.Errorf("(exit 9): %d, %v", code, err)
		}
		if code, err := c.eval(ctx, "mkdir -p 'in here' && cd 'in here'"); code != 0 || err != nil {
			t.Errorf("cd: %d, %v", code, err)
		}
		if out, _ := c.run(3, "pwd"); !strings.HasSuffix(out, "/in here\n") {
			t.Errorf("the step began in %q", out)
		}
	})
}

// A job may have any variable: none of them is the driver's.
func TestVariablesThatShellsTakeForTheirOwn(t *testing.T) {
	names := []string{
		"token", "dir", "session", "verb", "n", "shell", "line", "left", "code", "leader", "blocks", "s", "l", "a", "b", "stat", "child", "parent",
		"IFS", "PATH", "UID", "EUID", "PPID", "GROUPS", "SHELLOPTS", "BASHOPTS", "PS1", "PS4", "ENV", "BASH_ENV", "HOME", "LINENO", "CDPATH", "POSIXLY_CORRECT",
	}
	eachShell(t, func(t *testing.T, c *talk) {
		n := 2
		for _, name := range names {
			value := "/x:,s 1"
			text, _ := exports(varsOf(name, value))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			_, err := c.eval(ctx, text)
			cancel()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			pre, _ := exports(varsOf(name, value))
			c.put(fmt.Sprintf("pre-%d", n), pre)
			if out, code := c.run(n, "echo works"); !strings.HasSuffix(out, "works\n") || code != 0 { // bash says what it keeps for itself
				t.Errorf("with %s: %d, %q", name, code, out)
			}
			n++
		}
	})
}

// tarOf makes a tar of one file of some size.
func tarOf(t testing.TB, name string, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	content := bytes.Repeat([]byte("0123456789abcde\n"), size/16+1)[:size]
	for _, err := range []error{
		w.WriteHeader(&tar.Header{Name: name, Mode: 0o640, Size: int64(size), ModTime: time.Unix(1e9, 0)}),
		func() error { _, err := w.Write(content); return err }(),
		w.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestUntar(t *testing.T) {
	const head, tail = 512, 1024 // of a tar of one file
	sizes := []int{
		0, 1, 5000,
		blockSize - head - tail, blockSize - head - tail + 512, // one block exactly, and one record more
		3*blockSize - head - tail,
		chunkBlocks*blockSize - head - tail, chunkBlocks*blockSize - head - tail + 512, // a chunk, and more
	}
	eachShell(t, func(t *testing.T, c *talk) {
		dir := filepath.Join(t.TempDir(), "a new folder")
		for i, size := range sizes {
			name := fmt.Sprintf("file %d", i)
			err := c.untar(t.Context(), dir, func(w io.Writer) error { _, err := w.Write(tarOf(t, name, size)); return err })
			if err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || info.Size() != int64(size) || info.Mode().Perm() != 0o640 {
				t.Errorf("%d bytes: %v, %v", size, info, err)
			}
			if out, code := c.run(i+2, "echo works"); out != "works\n" || code != 0 {
				t.Errorf("after %d bytes: %d, %q", size, code, out)
			}
		}
	})
}

func TestUntarThatFails(t *testing.T) {
	eachShell(t, func(t *testing.T, c *talk) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		send := func(p []byte) func(io.Writer) error {
			return func(w io.Writer) error { _, err := w.Write(p); return err }
		}
		if err := c.untar(t.Context(), file, send(tarOf(t, "x", 1<<20))); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("into a file: %v", err)
		}
		if err := c.untar(t.Context(), t.TempDir(), send(bytes.Repeat([]byte("no tar "), 100_000))); err == nil {
			t.Error("of what is no tar: no error")
		}
		if out, code := c.run(2, "echo works"); out != "works\n" || code != 0 {
			t.Errorf("afterwards: %d, %q", code, out)
		}
	})
}

// Bytes of a tar that no dd takes would be read as frames.
func TestUntarWithoutDD(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"id", "uname", "mkdir", "cat", "tar"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	dash, err := exec.LookPath("dash")
	if err != nil {
		t.Skip("SKIPPED: no dash on this host")
	}
	c := newTalk(t, []string{dash}, "PATH="+bin)
	if c.hello.Tar {
		t.Error("the driver says that it can unpack")
	}
	// The shell ends alone, where no container ends with it: what is left of it
	// must not make a folder that the test has removed.
	err = c.untar(t.Context(), "/dev/null/nowhere", func(w io.Writer) error {
		_, err := io.WriteString(w, "step 2 touch\nput x 1\nbad\n")
		return err
	})
	if !errors.Is(err, errEnded) {
		t.Errorf("untar: %v", err)
	}
	<-c.dead
}

// A container that is stuck must not keep popsicle from ending.
func TestUntarIsCanceledInTheMiddleOfAWrite(t *testing.T) {
	in, stdin, err := os.Pipe() // nobody reads it
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	stdout, out := io.Pipe()
	s := newSession(wire{stdin, stdout, func() error { return nil }}, func(int, []byte) {})
	ctx, cancel := context.WithCancel(t.Context())
	err = s.untar(ctx, "/x", func(w io.Writer) error {
		cancel()
		_, err := w.Write(make([]byte, 2*chunkBlocks*blockSize))
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("untar: %v", err)
	}
	_ = out.Close()
	<-s.ended
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

// What is cut into chunks comes out whole, in blocks that are full.
func FuzzChunks(f *testing.F) {
	f.Add(uint32(1), uint16(1))
	f.Add(uint32(blockSize), uint16(512))
	f.Add(uint32(chunkBlocks*blockSize), uint16(65535))
	f.Fuzz(func(t *testing.T, size uint32, piece uint16) {
		data := make([]byte, size%(3*chunkBlocks*blockSize))
		for i := range data {
			data[i] = byte(i>>8 ^ i)
		}
		var b bytes.Buffer
		w := &chunks{to: &b}
		for rest := data; len(rest) > 0; {
			n := min(len(rest), 1+int(piece))
			if _, err := w.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
		var got []byte
		for {
			var blocks int
			if _, err := fmt.Fscanf(&b, "%d\n", &blocks); err != nil {
				t.Fatal(err)
			}
			if blocks == 0 {
				break
			}
			if blocks < 0 || blocks > chunkBlocks || b.Len() < blocks*blockSize {
				t.Fatalf("%d blocks, %d bytes left", blocks, b.Len())
			}
			got = append(got, b.Next(blocks*blockSize)...)
		}
		if b.Len() > 0 || !bytes.HasPrefix(got, data) || len(got)-len(data) >= blockSize || len(bytes.Trim(got[len(data):], "\x00")) > 0 {
			t.Fatalf("%d bytes became %d, with %d left", len(data), len(got), b.Len())
		}
	})
}
