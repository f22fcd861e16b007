package gitops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A command is one git process: where it runs, what it is told, what it reads.
type command struct {
	dir   string
	args  []string
	env   []string  // on top of the clean environment
	stdin io.Reader // nil: nothing to read
}

// hardening is said to every git process: no program of a hook or a file
// watcher is started, and the answers do not depend on the user's taste.
var hardening = []string{
	"--no-pager", "--literal-pathspecs",
	"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false",
	"-c", "gc.auto=0", "-c", "maintenance.auto=false",
	"-c", "i18n.logOutputEncoding=UTF-8", "-c", "log.showSignature=false",
	"-c", "submodule.recurse=false", "-c", "core.quotePath=true",
}

// kept are the GIT_ variables that belong to the user and the machine. All
// others are dropped: git sets GIT_DIR, GIT_INDEX_FILE and more when it runs
// a hook, and they would point our processes at something else than dir.
var kept = map[string]bool{
	"GIT_CONFIG_GLOBAL": true, "GIT_CONFIG_SYSTEM": true, "GIT_CONFIG_NOSYSTEM": true, "GIT_CONFIG_COUNT": true,
	"GIT_ATTR_NOSYSTEM": true, "GIT_EXEC_PATH": true, "GIT_CEILING_DIRECTORIES": true,
	"GIT_DISCOVERY_ACROSS_FILESYSTEM": true, "GIT_SSH": true, "GIT_SSH_COMMAND": true,
}

// cleanEnvironment is the environment of every git process, made of environ.
func cleanEnvironment(environ []string) []string {
	env := make([]string, 0, len(environ)+5)
	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		private := strings.HasPrefix(name, "GIT_") && !kept[name] &&
			!strings.HasPrefix(name, "GIT_CONFIG_KEY_") && !strings.HasPrefix(name, "GIT_CONFIG_VALUE_")
		if !private && name != "LANGUAGE" {
			env = append(env, v)
		}
	}
	return append(env, "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_NO_REPLACE_OBJECTS=1",
		// Nothing here asks a server: in a partial clone git would fetch a
		// missing object, one by one, and store it in the user's repository.
		"GIT_ALLOW_PROTOCOL=none")
}

// git prepares a git process in dir.
func git(dir string, args ...string) *command { return &command{dir: dir, args: args} }

// cmd is the process, not yet started. When ctx ends it is killed.
func (c *command) cmd(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", append(hardening[:len(hardening):len(hardening)], c.args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(cleanEnvironment(os.Environ()), c.env...)
	cmd.Stdin = c.stdin
	cmd.WaitDelay = time.Second
	return cmd
}

// output runs the process to its end and gives all it wrote.
func (c *command) output(ctx context.Context) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := c.cmd(ctx)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, c.failure(ctx, err, stderr.String())
	}
	return stdout.Bytes(), nil
}

// A gitError is git's refusal, with git's own words.
type gitError struct {
	args   []string
	code   int
	stderr string
}

func (e *gitError) Error() string {
	said := strings.TrimSpace(e.stderr)
	switch {
	case said == "":
		said = fmt.Sprintf("exit status %d", e.code)
	case strings.Contains(said, "transport '"):
		said = "this partial clone lacks objects: `git archive COMMIT >/dev/null` fetches those of a commit"
	}
	return fmt.Sprintf("git %s: %s", e.args[0], said)
}

// failure turns the end of a process into an error that says why.
func (c *command) failure(ctx context.Context, err error, stderr string) error {
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("git %s: %w", c.args[0], ctx.Err())
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("git is not in PATH: install git, popsicle asks it what your working tree is")
	case errors.As(err, &exit):
		return &gitError{args: c.args, code: exit.ExitCode(), stderr: stderr}
	}
	return fmt.Errorf("git %s: %w", c.args[0], err)
}

// fields splits the NUL-terminated records of git's -z output.
func fields(out []byte) []string {
	s := strings.TrimSuffix(string(out), "\x00")
	if s == "" {
		return nil
	}
	return strings.Split(s, "\x00")
}
