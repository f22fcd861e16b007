package gitops

import (
	"os"
	"slices"
	"testing"
)

// withSubmodule is a checkout with a submodule that has one itself.
func withSubmodule(t *testing.T) *checkout {
	inner, middle, c := newCheckout(t), newCheckout(t), newCheckout(t)
	inner.write(map[string]string{"i": "inner"})
	inner.commit("inner")
	middle.write(map[string]string{"m": "middle"})
	middle.git("submodule", "--quiet", "add", inner.dir, "inner")
	middle.commit("middle")
	c.write(map[string]string{"lib-x": "after lib", "a": "1"})
	c.git("submodule", "--quiet", "add", middle.dir, "lib")
	c.git("submodule", "--quiet", "update", "--init", "--recursive")
	c.commit("outer")
	return c
}

var filesWithSubmodule = []string{".gitmodules", "a", "lib", "lib-x", "lib/.gitmodules", "lib/inner", "lib/inner/i", "lib/m"}

func TestSubmodules(t *testing.T) {
	c := withSubmodule(t)
	for _, src := range []Source{{}, {Kind: Index}, {Kind: Commit, Rev: "HEAD"}} {
		tree := c.tree(src)
		if !tree.EqualsCommit || tree.Dirty || tree.Hash != c.wantTree() {
			t.Errorf("%s: changed %q", src.Kind, tree.Changed)
		}
		if got := paths(tree.Files); !slices.Equal(got, filesWithSubmodule) {
			t.Errorf("%s: files %q", src.Kind, got)
		}
		got, _ := entriesOf(t, tarOf(t, tree, TarOptions{}))
		if got["lib/inner/i"].text != "inner" || got["lib/m"].text != "middle" {
			t.Errorf("%s: %v", src.Kind, got)
		}
		if got := job(t, tree, GitOptions{}).git("status", "--porcelain"); got != "" {
			t.Errorf("%s: status in the job: %q", src.Kind, got)
		}
	}
}

// A submodule with changes of its own is no commit that anybody could fetch:
// its files count, and the tree equals no commit.
func TestDirtySubmodule(t *testing.T) {
	c := withSubmodule(t)
	clean := c.tree(Source{})
	c.write(map[string]string{"lib/inner/new": "x"})
	dirty := c.tree(Source{})
	if dirty.Hash == clean.Hash || dirty.EqualsCommit || !slices.Equal(dirty.Changed, []string{"lib"}) {
		t.Errorf("equals %t, changed %q", dirty.EqualsCommit, dirty.Changed)
	}
	if changed, deleted := dirty.Since(clean.Manifest()); !slices.Contains(paths(changed), "lib/inner/new") || len(deleted) > 0 {
		t.Errorf("changed %q, deleted %q", paths(changed), deleted)
	}
}

func TestSubmoduleAtAnotherCommit(t *testing.T) {
	c := withSubmodule(t)
	lib := &checkout{t: t, dir: c.dir + "/lib"}
	lib.write(map[string]string{"m": "changed"})
	lib.commit("two")
	tree := c.tree(Source{})
	if want := c.wantTree(); tree.Hash != want || !slices.Equal(tree.Changed, []string{"lib"}) {
		t.Errorf("tree %s, want %s; changed %q", tree.Hash, want, tree.Changed)
	}
	got, _ := entriesOf(t, tarOf(t, c.tree(Source{Kind: Commit, Rev: "HEAD"}), TarOptions{}))
	if got["lib/m"].text != "middle" {
		t.Errorf("the commit's submodule holds %q", got["lib/m"].text)
	}
}

func TestSubmoduleNotCheckedOut(t *testing.T) {
	up := withSubmodule(t)
	c := &checkout{t: t, dir: realDir(t, t.TempDir())}
	c.git("clone", "-q", up.dir, ".")
	for _, src := range []Source{{}, {Kind: Index}, {Kind: Commit, Rev: "HEAD"}} {
		tree := c.tree(src)
		if got := paths(tree.Files); !tree.EqualsCommit || !slices.Equal(got, []string{".gitmodules", "a", "lib", "lib-x"}) {
			t.Errorf("%s: equals %t, files %q", src.Kind, tree.EqualsCommit, got)
		}
		if got, _ := entriesOf(t, tarOf(t, tree, TarOptions{})); got["lib/"].kind != '5' {
			t.Errorf("%s: lib is %v", src.Kind, got["lib/"])
		}
	}
}

// A .git that is no repository makes git look further up: into ourselves.
func TestSubmoduleWithoutRepository(t *testing.T) {
	c := withSubmodule(t)
	if err := os.RemoveAll(c.dir + "/lib/.git"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(c.dir+"/lib/.git", 0o755); err != nil {
		t.Fatal(err)
	}
	if got := paths(c.tree(Source{}).Files); !slices.Equal(got, []string{".gitmodules", "a", "lib", "lib-x"}) {
		t.Errorf("files %q", got)
	}
}
