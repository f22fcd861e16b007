package gitops

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A checkout is a repository that a test makes with real git.
type checkout struct {
	t    testing.TB
	dir  string
	aged time.Duration // a minute for each call of age
}

// newCheckout makes an empty repository with the branch main.
func newCheckout(t testing.TB, args ...string) *checkout {
	t.Helper()
	c := &checkout{t: t, dir: realDir(t, t.TempDir())}
	c.git(append([]string{"init", "-q", "-b", "main"}, args...)...)
	return c
}

func realDir(t testing.TB, dir string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// run runs git as a user would, but for the user's own configuration.
func (c *checkout) run(env []string, args ...string) (string, error) {
	// No tidying in the background: it would go on while the test cleans up.
	cmd := exec.Command("git", append([]string{"-c", "gc.auto=0", "-c", "maintenance.auto=false"}, args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(cleanEnvironment(os.Environ()), "GIT_ALLOW_PROTOCOL=file", "GIT_OPTIONAL_LOCKS=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.invalid", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME=Bob", "GIT_COMMITTER_EMAIL=bob@example.invalid", "GIT_COMMITTER_DATE=2026-01-02T03:04:06Z")
	cmd.Env = append(cmd.Env, env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("git %v: %w\n%s", args, err, stderr.String())
	}
	return string(out), err
}

func (c *checkout) git(args ...string) string {
	c.t.Helper()
	out, err := c.run(nil, args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSuffix(out, "\n")
}

// write writes files; those named in executable mode are set so by chmod.
func (c *checkout) write(files map[string]string) {
	c.t.Helper()
	for path, text := range files {
		full := filepath.Join(c.dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			c.t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
}

// commit commits everything there is.
func (c *checkout) commit(message string) string {
	c.t.Helper()
	c.git("add", "-A")
	c.git("commit", "-q", "--allow-empty", "-m", message)
	return c.git("rev-parse", "HEAD")
}

// age sets all mtimes back, so that the index answers for the files. Never
// twice to the same second: git would not see what changed in between.
func (c *checkout) age() {
	c.t.Helper()
	c.aged += time.Minute
	old := time.Now().Add(c.aged - 24*time.Hour)
	for _, path := range strings.Split(c.git("ls-files"), "\n") {
		_ = os.Chtimes(filepath.Join(c.dir, path), old, old) // quoted names stay young
	}
	c.git("update-index", "-q", "--refresh")
}

func (c *checkout) open() *Repo {
	c.t.Helper()
	r, err := Open(context.Background(), c.dir)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

func (c *checkout) snapshot(src Source) *Snapshot {
	c.t.Helper()
	s, err := c.open().Snapshot(context.Background(), src)
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

func (c *checkout) tree(src Source) *Tree {
	c.t.Helper()
	t, err := c.snapshot(src).Tree(context.Background())
	if err != nil {
		c.t.Fatal(err)
	}
	return t
}

// input runs git with something to read.
func (c *checkout) input(text string, args ...string) string {
	c.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = c.dir, strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatal(args, err)
	}
	return strings.TrimSpace(string(out))
}

func mustHex(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
