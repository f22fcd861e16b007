package gitops

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// job unpacks a tree and its repository as a job would find them.
func job(t *testing.T, tree *Tree, o GitOptions) *checkout {
	t.Helper()
	dirs, err := tree.snapshot.repo.ObjectDirs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o.Alternates = dirs
	var repo bytes.Buffer
	if err := tree.WriteGit(t.Context(), &repo, o); err != nil {
		t.Fatal(err)
	}
	dir := untar(t, tarOf(t, tree, TarOptions{}), "tar")
	return &checkout{t: t, dir: untarInto(t, repo.Bytes(), dir, "tar")}
}

// withOrigin is a checkout that was cloned, with a branch of its own.
func withOrigin(t *testing.T) *checkout {
	up := newCheckout(t)
	up.write(map[string]string{"a": "1", "dir/b": "2"})
	up.commit("first")
	up.git("tag", "-a", "v1.0", "-m", "version one")
	up.git("branch", "other")
	c := &checkout{t: t, dir: realDir(t, t.TempDir())}
	c.git("clone", "-q", up.dir, ".")
	c.git("checkout", "-qb", "feature/x")
	c.write(map[string]string{"a": "changed"})
	c.commit("second")
	c.age()
	return c
}

func TestGitInTheJob(t *testing.T) {
	c := withOrigin(t)
	c.write(map[string]string{"dir/b": "dirty", "untracked": "x"})
	j := job(t, c.tree(Source{}), GitOptions{})
	for _, args := range [][]string{
		{"rev-parse", "HEAD"}, {"rev-parse", "--abbrev-ref", "HEAD"}, {"log", "--format=%H %an %s"}, {"describe", "--tags"},
		{"diff", "origin/main...", "--stat"}, {"status", "--porcelain", "-uall"}, {"symbolic-ref", "refs/remotes/origin/HEAD"},
		{"for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", "refs/tags", "refs/heads", "refs/remotes"}, {"stash", "list"},
		{"diff"}, {"branch", "--list", "--format=%(refname)"},
	} {
		if got, want := j.git(args...), c.git(args...); got != want {
			t.Errorf("git %v in the job:\n%s\nwant\n%s", args, got, want)
		}
	}
	j.git("fsck", "--no-dangling")
	j.git("checkout", "-qf", "v1.0")
	j.git("checkout", "-q", "-b", "more")
	j.write(map[string]string{"c": "3"})
	j.commit("in the job")
}

// git must not read every file in the job to say that nothing changed.
func TestIndexAnswersForUnchangedFiles(t *testing.T) {
	c := withOrigin(t)
	tree := c.tree(Source{})
	j := job(t, tree, GitOptions{})
	x, err := readIndex(filepath.Join(j.dir, ".git/index"), sha1Format)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range x.entries {
		d := lstat(filepath.Join(j.dir, e.path))
		if !e.unchanged(&d, x.written, statRules{minimal: true}) {
			t.Errorf("%s: %+v is not %+v", e.path, e.stat, d.stat)
		}
	}
	if got := j.git("diff-files", "--name-only"); got != "" {
		t.Errorf("without a refresh git takes for changed: %s", got)
	}
}

// On a base volume a file keeps the mtime it had when the base was made.
func TestIndexFollowsTheBase(t *testing.T) {
	c := withOrigin(t)
	base := c.tree(Source{}).Manifest()
	old := untar(t, tarOf(t, c.tree(Source{}), TarOptions{}), "tar")
	c.write(map[string]string{"a": "changed", "dir/b": "new"}) // a: the same, but younger
	tree := c.tree(Source{})
	changed, _ := tree.Since(base)
	var repo bytes.Buffer
	if err := tree.WriteGit(t.Context(), &repo, GitOptions{Base: &base, Alternates: []string{c.dir + "/.git/objects"}}); err != nil {
		t.Fatal(err)
	}
	untarInto(t, tarOf(t, tree, TarOptions{Only: changed}), old, "tar")
	j := &checkout{t: t, dir: untarInto(t, repo.Bytes(), old, "tar")}
	if got := j.git("diff-files", "--name-only"); got != "dir/b" {
		t.Errorf("changed without a refresh: %q", got)
	}
}

func TestGitOfOtherSources(t *testing.T) {
	c := withOrigin(t)
	c.write(map[string]string{"dir/b": "staged"})
	c.git("add", "-A")
	c.write(map[string]string{"dir/b": "not staged", "a": "not staged"})
	if got := job(t, c.tree(Source{Kind: Index}), GitOptions{}).git("status", "--porcelain"); got != " M dir/b" {
		t.Errorf("index: %q", got)
	}
	j := job(t, c.tree(Source{Kind: Commit, Rev: "v1.0"}), GitOptions{})
	if got := j.git("status", "--porcelain=v2", "--branch"); !strings.Contains(got, "branch.head (detached)") || strings.Count(got, "\n") != 1 {
		t.Errorf("tag: %q", got)
	}
	if got := j.git("describe", "--tags", "--exact-match"); got != "v1.0" {
		t.Errorf("tag: %q", got)
	}
}

func TestPlayedRefs(t *testing.T) {
	c := withOrigin(t)
	tree := c.tree(Source{})
	j := job(t, tree, GitOptions{Branch: "feature"}) // stands in the way of feature/x
	if got := j.git("symbolic-ref", "HEAD"); got != "refs/heads/feature" {
		t.Errorf("HEAD is %s", got)
	}
	if got := j.git("rev-parse", "feature"); got != tree.Commit {
		t.Errorf("feature is %s", got)
	}
	j = job(t, tree, GitOptions{Tag: "v9"})
	if got := j.git("describe", "--tags", "--exact-match", "HEAD"); got != "v9" {
		t.Errorf("tag is %s", got)
	}
}

func TestGitBeforeTheFirstCommit(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"a": "1"})
	j := job(t, c.tree(Source{}), GitOptions{})
	if got := j.git("status", "--porcelain"); got != "?? a" {
		t.Errorf("status %q", got)
	}
	j.commit("first, in the job")
}

func TestGitOfUnusualRepositories(t *testing.T) {
	up := withOrigin(t)
	up.git("checkout", "-q", "main")
	up.git("merge", "-q", "--no-ff", "-m", "third", "feature/x")
	up.git("config", "uploadpack.allowFilter", "true")
	for name, args := range map[string][]string{
		"shallow":   {"clone", "-q", "--depth=2", "file://" + up.dir, "."},
		"partial":   {"clone", "-q", "--filter=blob:none", "file://" + up.dir, "."},
		"alternate": {"clone", "-q", "--shared", up.dir, "."},
		"renamed":   {"clone", "-q", "--origin=upstream", up.dir, "."},
	} {
		t.Run(name, func(t *testing.T) {
			c := &checkout{t: t, dir: realDir(t, t.TempDir())}
			c.git(args...)
			j := job(t, c.tree(Source{}), GitOptions{})
			for _, args := range [][]string{{"log", "--format=%H"}, {"status", "--porcelain"}, {"rev-parse", "HEAD"}, {"rev-parse", "HEAD^{tree}"}} {
				if got, want := j.git(args...), c.git(args...); got != want {
					t.Errorf("git %v: %q, want %q", args, got, want)
				}
			}
			j.git("diff", "origin/main...")
		})
	}
}

func TestGitSparse(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"in/a": "1", "out/b": "2", "top": "3"})
	c.commit("one")
	c.git("sparse-checkout", "set", "--cone", "in")
	j := job(t, c.tree(Source{}), GitOptions{})
	if got := j.git("status", "--porcelain"); got != "" {
		t.Errorf("status %q", got)
	}
}

func TestGitSHA256(t *testing.T) {
	c := newCheckout(t, "--object-format=sha256")
	c.write(map[string]string{"a": "1"})
	c.commit("one")
	c.write(map[string]string{"a": "2"})
	j := job(t, c.tree(Source{}), GitOptions{})
	if got := j.git("status", "--porcelain"); got != " M a" {
		t.Errorf("status %q", got)
	}
	j.git("fsck")
}

// Nothing of the user's configuration, and no password, gets into the job.
func TestConfigOfTheJob(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"a": "1"})
	c.commit("one")
	c.git("remote", "add", "origin", "https://ada:hunter2@example.com/o/r.git")
	c.git("config", "http.extraHeader", "Authorization: hunter2")
	c.git("config", "user.email", "ada@example.invalid")
	var b bytes.Buffer
	if err := c.tree(Source{}).WriteGit(t.Context(), &b, GitOptions{}); err != nil {
		t.Fatal(err)
	}
	got, _ := entriesOf(t, b.Bytes())
	if text := got[".git/config"].text; strings.Contains(text, "hunter2") || strings.Contains(text, "ada") || !strings.Contains(text, `url = "https://example.com/o/r.git"`) {
		t.Error(text)
	}
}

// The user's repository stays byte for byte as it was, whatever is asked.
func TestRepositoryIsNotWritten(t *testing.T) {
	c := withOrigin(t)
	c.write(map[string]string{"a": "dirty", "untracked": "x"})
	c.git("add", "a")
	before := contentsOf(t, c.dir)
	for _, src := range []Source{{}, {Kind: Index}, {Kind: Commit, Rev: "HEAD~1"}} {
		tree := c.tree(src)
		if err := tree.WriteTar(t.Context(), io.Discard, TarOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := tree.WriteGit(t.Context(), io.Discard, GitOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := tree.WritePack(t.Context(), io.Discard, PackOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := tree.snapshot.Glob(t.Context(), ".", "*"); err != nil {
			t.Fatal(err)
		}
	}
	after := contentsOf(t, c.dir)
	for path := range after {
		if after[path] != before[path] {
			t.Errorf("%s was %q, is %q", path, before[path], after[path])
		}
	}
	if len(after) < len(before) {
		t.Error("something is gone")
	}
}

// contentsOf tells of everything below dir its mode, mtime and content.
func contentsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		all[path] = fmt.Sprint(info.Mode(), info.ModTime())
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			all[path] += fmt.Sprintf(" %x", sha256.Sum256(data))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
