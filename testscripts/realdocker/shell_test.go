package realdocker

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/creack/pty"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// A console is a program in a terminal of its own.
type console struct {
	p    place
	cmd  *exec.Cmd
	file *os.File

	mu   sync.Mutex
	text bytes.Buffer
	done chan struct{} // the program has closed its terminal
}

// console starts popsicle in a terminal.
func (p place) console(args ...string) *console {
	p.t.Helper()
	c := &console{p: p, cmd: p.command(args...), done: make(chan struct{})}
	c.cmd.Env = append(c.cmd.Env, "TERM=xterm")
	var err error
	if c.file, err = pty.StartWithSize(c.cmd, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = c.file.Close() })
	go func() {
		defer close(c.done)
		_, _ = io.Copy(c, c.file)
	}()
	return c
}

func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(b)
}

func (c *console) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// enter types a line, and waits for what comes of it.
func (c *console) enter(line, want string) {
	c.p.t.Helper()
	if _, err := io.WriteString(c.file, line+"\n"); err != nil {
		c.p.t.Fatal(err)
	}
	c.wait(want)
}

func (c *console) wait(want string) {
	c.p.t.Helper()
	c.p.waitFor(want, func() bool { return strings.Contains(c.said(), want) })
}

// end waits for the program's end and returns its exit code.
func (c *console) end() int {
	_ = c.cmd.Wait() // the code is looked at
	<-c.done
	return c.cmd.ProcessState.ExitCode()
}

// TestShellInATerminal enters a job while it runs, and what is left of it when
// it has failed, as somebody at a keyboard does.
func TestShellInATerminal(t *testing.T) {
	for _, image := range []string{images.Busybox(t), images.Cimg(t)} {
		t.Run(image, func(t *testing.T) {
			p := newPlace(t, map[string]string{".popsicle/ci.yml": `version: 2.1
jobs:
  test:
    docker: [{image: ` + image + `}]
    environment: {COLOUR: "it's blue"}
    steps:
      - run: {name: early, command: "mkdir sub; echo 'export LATER=yes' >>$BASH_ENV"}
      - run:
          name: waits
          working_directory: sub
          environment: {OF_STEP: "1"}
          command: while [ ! -e go ]; do sleep 0.1; done; echo went; exit 3
workflows: {main: {jobs: [test]}}
`})
			run := p.command("run", "-e", "TOKEN=hunter2-hunter2", "--json")
			if err := run.Start(); err != nil {
				t.Fatal(err)
			}
			p.waitFor("the step runs", func() bool {
				out, _ := p.command("show", "1", "--json").Output()
				return strings.Contains(string(out), `"name": "waits"`)
			})

			c := p.console("shell", "1", "test")
			c.enter(`echo "<$COLOUR|$OF_STEP|$LATER|$TOKEN>"; tty`, "<it's blue|1|yes|hunter2-hunter2>")
			c.wait("/dev/pts/")
			c.enter(`until [ "$(stty size)" = "24 80" ]; do sleep 0.1; done; echo its "size"`, "its size") // docker tells it a little later
			c.enter("pwd; whoami; ls -A /mnt/ramdisk | wc -l", "/sub")
			for _, name := range p.ours() {
				about, err := exec.Command("docker", "inspect", strings.Fields(name)[1]).Output()
				if err != nil || bytes.Contains(about, []byte("hunter2")) {
					t.Errorf("the engine knows the secret: %v", err)
				}
			}
			c.enter("touch go; exit 5", "exit 5")
			if code := c.end(); code != 5 {
				t.Errorf("the shell ended with %d:\n%s", code, c.said())
			}
			_ = run.Wait()
			if code := run.ProcessState.ExitCode(); code != 1 {
				t.Errorf("the run ended with %d", code)
			}

			c = p.console("shell")
			c.wait("failed at step 3 waits (exit 3)")
			c.enter(`echo "<$COLOUR|$OF_STEP|$LATER>"; tty`, "<it's blue|1|yes>")
			c.wait("/dev/pts/")
			c.enter("ls; exit", "go")
			if code := c.end(); code != 0 {
				t.Errorf("the shell ended with %d:\n%s", code, c.said())
			}
		})
	}
}
