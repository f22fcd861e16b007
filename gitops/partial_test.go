package gitops

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// A partial clone must never make us ask its server: the user may be on a
// train, and what comes would be stored in the repository.
func TestPartialClone(t *testing.T) {
	up := newCheckout(t)
	up.git("config", "uploadpack.allowFilter", "true")
	up.write(map[string]string{"a": "old", "b": "1"})
	up.commit("one")
	up.write(map[string]string{"a": "2"})
	up.commit("two")
	c := &checkout{t: t, dir: realDir(t, t.TempDir())}
	c.git("clone", "-q", "--filter=blob:none", "file://"+up.dir, ".")
	before := contentsOf(t, c.dir)
	if err := c.tree(Source{Kind: Commit, Rev: "HEAD"}).WriteTar(t.Context(), io.Discard, TarOptions{}); err != nil {
		t.Error(err)
	}
	_, err := c.snapshot(Source{Kind: Commit, Rev: "HEAD~1"}).Tree(t.Context())
	if err == nil || !strings.Contains(err.Error(), "git archive") {
		t.Errorf("missing objects: %v", err)
	}
	var pack bytes.Buffer
	if _, err := c.tree(Source{}).WritePack(t.Context(), &pack, PackOptions{}); err != nil {
		t.Error(err)
	}
	if after := contentsOf(t, c.dir); len(after) != len(before) {
		t.Errorf("there were %d files, there are %d", len(before), len(after))
	}
	c.try("-c", "protocol.file.allow=always", "archive", "-o", "/dev/null", "HEAD~1")
	if tree := c.tree(Source{Kind: Commit, Rev: "HEAD~1"}); !tree.EqualsCommit {
		t.Error("after the remedy it is still missing")
	}
}

func TestPackOfAShallowClone(t *testing.T) {
	up := withOrigin(t)
	c := &checkout{t: t, dir: realDir(t, t.TempDir())}
	c.git("clone", "-q", "--depth=1", "file://"+up.dir, ".")
	tree := c.tree(Source{})
	var repo, pack bytes.Buffer
	if err := tree.WriteGit(t.Context(), &repo, GitOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := tree.WritePack(t.Context(), &pack, PackOptions{}); err != nil {
		t.Fatal(err)
	}
	dir := untar(t, tarOf(t, tree, TarOptions{}), "tar")
	j := &checkout{t: t, dir: untarInto(t, pack.Bytes(), untarInto(t, repo.Bytes(), dir, "tar"), "tar")}
	j.git("fsck")
	if got, want := j.git("log", "--oneline")+j.git("status", "--porcelain"), c.git("log", "--oneline"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Trees of ancient gits hold modes that no index can.
func TestAncientModes(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"a": "1"})
	c.commit("one")
	blob := c.git("rev-parse", "HEAD:a")
	raw := append([]byte("100664 a\x00"), mustHex(t, blob)...)
	tree := c.input(string(raw), "hash-object", "-w", "-t", "tree", "--literally", "--stdin")
	commit := c.git("commit-tree", "-m", "ancient", tree)
	c.git("checkout", "-q", commit)
	for _, src := range []Source{{}, {Kind: Index}, {Kind: Commit, Rev: "HEAD"}} {
		got := c.tree(src)
		if !got.EqualsCommit || got.Hash != tree || got.Files[0].Mode != Regular {
			t.Errorf("%s: equals %t, %s, want %s", src.Kind, got.EqualsCommit, got.Hash, tree)
		}
	}
}

// A commit made by hand may hold paths that lead out of the checkout.
func TestHostileCommit(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"a": "1"})
	c.commit("one")
	blob := mustHex(t, c.git("rev-parse", "HEAD:a"))
	for _, name := range []string{"..", ".git", ".GIT", "."} {
		inner := c.input("100644 x\x00"+string(blob), "hash-object", "-w", "-t", "tree", "--literally", "--stdin")
		tree := c.input("40000 "+name+"\x00"+string(mustHex(t, inner)), "hash-object", "-w", "-t", "tree", "--literally", "--stdin")
		rev := c.git("commit-tree", "-m", "hostile", tree)
		if _, err := c.snapshot(Source{Kind: Commit, Rev: rev}).Tree(t.Context()); err == nil || !strings.Contains(err.Error(), name+"/x") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
