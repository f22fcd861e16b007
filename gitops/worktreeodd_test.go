package gitops

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What a sparse checkout leaves out is not tested, so it is not in the hash;
// but it is no change either.
func TestSparseCheckout(t *testing.T) {
	for _, sparseIndex := range []string{"--no-sparse-index", "--sparse-index"} {
		c := newCheckout(t)
		c.write(map[string]string{"top": "1", "in/a": "2", "out/b": "3", "out/deep/c": "4"})
		c.commit("one")
		c.git("sparse-checkout", "set", "--cone", sparseIndex, "in")
		tree := c.tree(Source{})
		if got := paths(tree.Files); !slices.Equal(got, []string{"in/a", "top"}) {
			t.Errorf("%s: files %q", sparseIndex, got)
		}
		if tree.Dirty || tree.EqualsCommit {
			t.Errorf("%s: dirty %t %q, equals %t", sparseIndex, tree.Dirty, tree.Changed, tree.EqualsCommit)
		}
	}
}

// Whatever bits hide it from git status: what is tested is what is on disk.
func TestHiddenChangesAreSeen(t *testing.T) {
	for _, bit := range []string{"--assume-unchanged", "--skip-worktree"} {
		c := newCheckout(t)
		c.write(map[string]string{"a": "one", "b": "one"})
		c.commit("one")
		c.git("update-index", bit, "a")
		c.write(map[string]string{"a": "changed"})
		if tree := c.tree(Source{}); !slices.Equal(tree.Changed, []string{"a"}) || tree.EqualsCommit {
			t.Errorf("%s: changed %q", bit, tree.Changed)
		}
	}
}

func TestIndexShapes(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"dir/aaaaaaaa": "1", "dir/aaaaaaab": "2", "z": "3", strings.Repeat("long/", 60) + "x": "4"})
	c.commit("one")
	c.write(map[string]string{"z": "changed", "new": "5"})
	c.git("add", "-N", "new")
	for _, args := range [][]string{{"--index-version", "4"}, {"--index-version", "3"}, {"--index-version", "2"}, {"--split-index"}, {"--no-split-index"}, {"--untracked-cache"}} {
		c.git(append([]string{"update-index"}, args...)...)
		c.check()
		if t.Failed() {
			t.Fatal(args)
		}
	}
}

func TestSHA256(t *testing.T) {
	c := newCheckout(t, "--object-format=sha256")
	c.check()
	c.write(map[string]string{"a": "1", "d/b": "2"})
	c.commit("one")
	c.write(map[string]string{"a": "3", "c": "4"})
	if tree := c.check(); len(tree.Hash) != 64 {
		t.Errorf("hash %s", tree.Hash)
	}
}

// In a conflict the working file counts, markers and all; the index has no
// answer to what is staged.
func TestConflict(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"a": "base\n", "other": "x"})
	c.commit("base")
	c.git("checkout", "-qb", "side")
	c.write(map[string]string{"a": "side\n"})
	c.commit("side")
	c.git("checkout", "-q", "main")
	c.write(map[string]string{"a": "main\n"})
	c.commit("main")
	c.try("merge", "side")
	if tree := c.check(); !slices.Equal(tree.Changed, []string{"a"}) {
		t.Errorf("changed %q", tree.Changed)
	}
	_, err := c.snapshot(Source{Kind: Index}).Tree(t.Context())
	if err == nil || !strings.Contains(err.Error(), `"a" is in conflict`) {
		t.Errorf("staged: %v", err)
	}
}

func TestNestedRepositoryIsNotTested(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"a": "1"})
	c.commit("one")
	c.git("worktree", "add", "-q", "trees/x")
	c.git("init", "-q", "empty")
	tree := c.tree(Source{})
	if !tree.EqualsCommit || !slices.Equal(tree.Nested, []string{"empty", "trees/x"}) || len(tree.Files) != 1 {
		t.Errorf("equals %t, nested %q, files %q", tree.EqualsCommit, tree.Nested, paths(tree.Files))
	}
}

func TestSpecialFilesAreLeftOut(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"a": "1", "b": "2"})
	c.commit("one")
	mkfifo(t, filepath.Join(c.dir, "pipe"))
	if err := os.Remove(filepath.Join(c.dir, "a")); err != nil {
		t.Fatal(err)
	}
	mkfifo(t, filepath.Join(c.dir, "a"))
	if got := paths(c.tree(Source{}).Files); !slices.Equal(got, []string{"b"}) {
		t.Errorf("files %q", got)
	}
}
