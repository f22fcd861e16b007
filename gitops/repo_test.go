package gitops

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestOpen(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"dir/sub/a": "1"})
	c.commit("one")
	tree := filepath.Join(realDir(t, t.TempDir()), "line\nend")
	c.git("worktree", "add", "-q", "-b", "other", tree)
	git := filepath.Join(c.dir, ".git")
	for dir, want := range map[string]Repo{
		c.dir:              {Root: c.dir, GitDir: git, CommonDir: git},
		c.dir + "/dir/":    {Root: c.dir, GitDir: git, CommonDir: git},
		c.dir + "/dir/sub": {Root: c.dir, GitDir: git, CommonDir: git},
		tree + "/dir":      {Root: tree, GitDir: git + "/worktrees/" + "line_end", CommonDir: git},
	} {
		got, err := Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if got.Root != want.Root || got.CommonDir != want.CommonDir || filepath.Dir(got.GitDir) != filepath.Dir(want.GitDir) {
			t.Errorf("%s: %+v, want %+v", dir, *got, want)
		}
	}
	other := &checkout{t: t, dir: tree}
	other.write(map[string]string{"new": "2"})
	if got := other.check(); other.snapshot(Source{}).Head().Branch != "other" || !slices.Equal(got.Changed, []string{"new"}) {
		t.Errorf("changed %q", got.Changed)
	}
}

func TestOpenRefuses(t *testing.T) {
	plain, bare := t.TempDir(), t.TempDir()
	b := &checkout{t: t, dir: bare}
	b.git("init", "-q", "--bare")
	c := newCheckout(t)
	for _, dir := range []string{plain, bare, filepath.Join(c.dir, ".git")} {
		if _, err := Open(t.Context(), dir); !errors.Is(err, ErrNotRepository) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if _, err := Open(t.Context(), filepath.Join(plain, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, c.dir); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	t.Setenv("PATH", plain)
	if _, err := Open(t.Context(), c.dir); err == nil || !strings.Contains(err.Error(), "install git") {
		t.Errorf("without git: %v", err)
	}
}

// A hook of git has GIT_DIR and others set; they must not lead us astray.
func TestVariablesOfAHook(t *testing.T) {
	c, other := newCheckout(t), newCheckout(t)
	c.write(map[string]string{"a": "1"})
	c.commit("one")
	for name, value := range map[string]string{"GIT_DIR": other.dir + "/.git", "GIT_WORK_TREE": other.dir, "GIT_INDEX_FILE": "/nowhere", "GIT_OBJECT_DIRECTORY": "/nowhere"} {
		t.Setenv(name, value)
	}
	if tree := c.tree(Source{}); tree.snapshot.repo.Root != c.dir || !tree.EqualsCommit {
		t.Errorf("%s: %q", tree.snapshot.repo.Root, tree.Changed)
	}
}

func TestCleanEnvironment(t *testing.T) {
	got := cleanEnvironment([]string{"PATH=/bin", "GIT_DIR=x", "GIT_CONFIG_GLOBAL=y", "GIT_CONFIG_KEY_0=k", "GIT_CONFIG_PARAMETERS='a=b'", "LANGUAGE=de"})
	if want := []string{"PATH=/bin", "GIT_CONFIG_GLOBAL=y", "GIT_CONFIG_KEY_0=k", "LC_ALL=C"}; !slices.Equal(got[:4], want) {
		t.Errorf("got %q", got)
	}
}

// No program that the repository's configuration names is started.
func TestHooksDoNotRun(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"a": "1"})
	c.commit("one")
	marker := filepath.Join(t.TempDir(), "ran")
	script := "#!/bin/sh\ntouch '" + marker + "'\n"
	for _, hook := range []string{"post-index-change", "fsmonitor-watchman", "reference-transaction"} {
		c.write(map[string]string{".git/hooks/" + hook: script})
		if err := os.Chmod(filepath.Join(c.dir, ".git/hooks", hook), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c.write(map[string]string{"a": "2"})
	if err := os.WriteFile(filepath.Join(c.dir, ".git/config"), []byte("[core]\n\tfsmonitor = .git/hooks/fsmonitor-watchman\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c.tree(Source{})
	c.tree(Source{Kind: Index})
	if _, err := os.Stat(marker); err == nil {
		t.Error("a hook ran")
	}
}

func TestReadFileOfAPipe(t *testing.T) {
	c := newCheckout(t)
	mkfifo(t, filepath.Join(c.dir, "ci.yml"))
	if _, err := c.snapshot(Source{}).ReadFile(t.Context(), "ci.yml"); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("error %v", err)
	}
}

func TestReadFileAndGlob(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{".popsicle/ci.yml": "commit", ".popsicle/b.yaml": "b", ".popsicle/note.txt": "", ".popsicle/sub/x.yml": "", "top.yml": "t"})
	c.commit("one")
	c.write(map[string]string{".popsicle/ci.yml": "staged", ".popsicle/staged.yml": ""})
	c.git("add", "-A")
	c.write(map[string]string{".popsicle/ci.yml": "disk", ".popsicle/new.yml": ""})
	for _, test := range []struct {
		src  Source
		text string
		glob []string
	}{
		{Source{}, "disk", []string{".popsicle/b.yaml", ".popsicle/ci.yml", ".popsicle/new.yml", ".popsicle/staged.yml"}},
		{Source{Kind: Index}, "staged", []string{".popsicle/b.yaml", ".popsicle/ci.yml", ".popsicle/staged.yml"}},
		{Source{Kind: Commit, Rev: "HEAD"}, "commit", []string{".popsicle/b.yaml", ".popsicle/ci.yml"}},
	} {
		s := c.snapshot(test.src)
		if got, err := s.ReadFile(t.Context(), ".popsicle/ci.yml"); err != nil || string(got) != test.text {
			t.Errorf("%s: %q, %v", test.src.Kind, got, err)
		}
		if got, err := s.Glob(t.Context(), ".popsicle", "*.yml", "*.yaml"); err != nil || !slices.Equal(got, test.glob) {
			t.Errorf("%s: %q, %v", test.src.Kind, got, err)
		}
		if got, err := s.Glob(t.Context(), ".", "*.yml"); err != nil || !slices.Equal(got, []string{"top.yml"}) {
			t.Errorf("%s: %q, %v", test.src.Kind, got, err)
		}
		if got, err := s.Glob(t.Context(), "nowhere", "*"); err != nil || len(got) != 0 {
			t.Errorf("%s: %q, %v", test.src.Kind, got, err)
		}
		for _, name := range []string{"missing", ".popsicle/missing"} {
			if _, err := s.ReadFile(t.Context(), name); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: %s: %v", test.src.Kind, name, err)
			}
		}
		for _, name := range []string{"../outside", "/etc/passwd", "", "a\nb"} {
			if _, err := s.ReadFile(t.Context(), name); !errors.Is(err, os.ErrInvalid) {
				t.Errorf("%s: %q: %v", test.src.Kind, name, err)
			}
		}
	}
}
