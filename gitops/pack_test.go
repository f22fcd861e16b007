package gitops

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Without the host's objects the pack makes the job's repository whole.
func TestPackMakesTheRepositoryWhole(t *testing.T) {
	c := withOrigin(t)
	c.git("checkout", "-q", "--detach")
	c.write(map[string]string{"a": "on no branch"})
	c.commit("detached")
	tree := c.tree(Source{})
	var repo, pack bytes.Buffer
	if err := tree.WriteGit(t.Context(), &repo, GitOptions{}); err != nil {
		t.Fatal(err)
	}
	tips, err := tree.WritePack(t.Context(), &pack, PackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dir := untar(t, tarOf(t, tree, TarOptions{}), "tar")
	j := &checkout{t: t, dir: untarInto(t, pack.Bytes(), untarInto(t, repo.Bytes(), dir, "tar"), "tar")}
	j.git("fsck", "--strict")
	for _, args := range [][]string{{"log", "--format=%H"}, {"describe", "--tags"}, {"diff", "origin/main...", "--stat"}, {"status", "--porcelain"}} {
		if got, want := j.git(args...), c.git(args...); got != want {
			t.Errorf("git %v: %q, want %q", args, got, want)
		}
	}
	if !slices.Contains(tips, tree.Commit) {
		t.Errorf("tips %q", tips)
	}
}

// The second pack has only what is new, and tips that are no more there are
// no trouble.
func TestPackOfWhatIsNew(t *testing.T) {
	c := withOrigin(t)
	var first, none, more bytes.Buffer
	tips, err := c.tree(Source{}).WritePack(t.Context(), &first, PackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.tree(Source{}).WritePack(t.Context(), &none, PackOptions{Have: append(tips, sha1Format.zero())}); err != nil {
		t.Fatal(err)
	}
	if got, _ := entriesOf(t, none.Bytes()); len(got) != 0 {
		t.Errorf("nothing new, but %d files", len(got))
	}
	c.write(map[string]string{"new": "file"})
	c.commit("more")
	if _, err := c.tree(Source{}).WritePack(t.Context(), &more, PackOptions{Have: tips}); err != nil {
		t.Fatal(err)
	}
	bare := &checkout{t: t, dir: realDir(t, t.TempDir())}
	bare.git("init", "-q")
	untarInto(t, first.Bytes(), bare.dir, "tar")
	untarInto(t, more.Bytes(), bare.dir, "tar")
	bare.git("rev-list", "--objects", c.git("rev-parse", "HEAD"))
	if got := bare.git("count-objects", "-v"); !bytes.Contains([]byte(got), []byte("packs: 2")) {
		t.Error(got)
	}
	if _, err := c.tree(Source{}).WritePack(t.Context(), &more, PackOptions{Have: []string{"--all"}}); err == nil {
		t.Error("took an option for an object")
	}
}

func TestObjectDirs(t *testing.T) {
	up := newCheckout(t)
	up.commit("one")
	c := &checkout{t: t, dir: realDir(t, t.TempDir())}
	c.git("clone", "-q", "--shared", up.dir, ".")
	d := &checkout{t: t, dir: realDir(t, t.TempDir())}
	d.git("clone", "-q", "--shared", c.dir, ".")
	want := []string{d.dir + "/.git/objects", c.dir + "/.git/objects", up.dir + "/.git/objects"}
	got, err := d.open().ObjectDirs(t.Context())
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	alternates := filepath.Join(c.dir, ".git/objects/info/alternates")
	if err := os.WriteFile(alternates, []byte("# comment\n../../../elsewhere\n"+c.dir+"/.git/objects\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := c.open().ObjectDirs(t.Context()); err != nil || !slices.Equal(got, want[1:2]) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestParseAlternates(t *testing.T) {
	got := parseAlternates("/abs\n../rel\n#no\n\n\"/quo\\tted\"\n", "/repo/objects")
	if want := []string{"/abs", "/repo/rel", "/quo\tted"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
