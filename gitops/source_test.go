package gitops

import (
	"slices"
	"testing"
	"time"
)

func TestIndexSource(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"a": "1", "gone": "2", "same": "3"})
	c.commit("one")
	c.write(map[string]string{"a": "staged", "new": "staged"})
	c.git("rm", "-q", "gone")
	c.git("add", "-A")
	want := c.git("write-tree")
	c.write(map[string]string{"a": "unstaged", "untracked": "x", "intended": "x"})
	c.git("add", "-N", "intended")
	tree := c.tree(Source{Kind: Index})
	if tree.Hash != want {
		t.Errorf("tree is %s, git says %s", tree.Hash, want)
	}
	if got := tree.Changed; !slices.Equal(got, []string{"a", "gone", "new"}) {
		t.Errorf("changed %q", got)
	}
	c.git("commit", "-qm", "two")
	if tree := c.tree(Source{Kind: Index}); !tree.EqualsCommit || tree.Dirty {
		t.Errorf("after the commit: changed %q", tree.Changed)
	}
}

// A hook of `git commit -a` finds the index that is committed elsewhere.
func TestIndexFileOfAHook(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"a": "1"})
	c.commit("one")
	c.write(map[string]string{"a": "2"})
	if _, err := c.run([]string{"GIT_INDEX_FILE=.git/other"}, "add", "a"); err != nil {
		t.Fatal(err)
	}
	tree := c.tree(Source{Kind: Index, IndexFile: ".git/other"})
	if !slices.Equal(tree.Changed, []string{"a"}) {
		t.Errorf("changed %q", tree.Changed)
	}
}

func TestCommitSource(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"a": "1", "b": "1"})
	c.commit("one")
	c.write(map[string]string{"a": "2"})
	c.commit("two")
	c.write(map[string]string{"a": "dirty"})
	tree := c.tree(Source{Kind: Commit, Rev: "HEAD~1"})
	if want := c.git("rev-parse", "HEAD~1^{tree}"); tree.Hash != want || !tree.EqualsCommit || tree.Dirty {
		t.Errorf("tree %s, want %s", tree.Hash, want)
	}
	if f := tree.Files[0]; f.Size != 1 || !f.ModTime.Equal(time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)) {
		t.Errorf("%+v", f)
	}
}
