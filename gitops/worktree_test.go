package gitops

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wantTree is git's own word for what the working tree is.
func (c *checkout) wantTree() string {
	c.t.Helper()
	tmp := c.t.TempDir()
	objects := filepath.Join(tmp, "objects")
	if err := os.Mkdir(objects, 0o755); err != nil {
		c.t.Fatal(err)
	}
	file := filepath.Join(tmp, "index")
	if data, err := os.ReadFile(c.git("rev-parse", "--absolute-git-dir") + "/index"); err == nil {
		if err := os.WriteFile(file, data, 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
	common := c.git("rev-parse", "--path-format=absolute", "--git-common-dir")
	env := []string{"GIT_INDEX_FILE=" + file, "GIT_OBJECT_DIRECTORY=" + objects, "GIT_ALTERNATE_OBJECT_DIRECTORIES=" + common + "/objects"}
	if _, err := c.run(env, "add", "-A"); err != nil {
		c.t.Fatal(err)
	}
	tree, err := c.run(env, "write-tree")
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(tree)
}

// wantFiles is what git lists as tracked, or untracked and not ignored, and is
// on disk.
func (c *checkout) wantFiles() []string {
	c.t.Helper()
	var files []string
	for _, path := range fields([]byte(c.git("ls-files", "-z", "-co", "--exclude-standard"))) {
		if d := lstat(filepath.Join(c.dir, path)); d.mode() != 0 && !slices.Contains(files, path) {
			files = append(files, path)
		}
	}
	slices.Sort(files)
	return files
}

func paths(files []File) []string {
	var p []string
	for _, f := range files {
		p = append(p, f.Path)
	}
	return p
}

// check compares the tree of the working tree with git's word.
func (c *checkout) check() *Tree {
	c.t.Helper()
	tree := c.tree(Source{})
	if want := c.wantTree(); tree.Hash != want {
		c.t.Errorf("tree is %s, git says %s\n%s", tree.Hash, want, c.git("status", "--short"))
	}
	if got, want := paths(tree.Files), c.wantFiles(); !slices.Equal(got, want) {
		c.t.Errorf("files are %q, git says %q", got, want)
	}
	if c.try("rev-parse", "-q", "--verify", "HEAD") {
		dirty := c.git("status", "--porcelain", "--untracked-files=all") != ""
		if tree.Dirty != dirty || tree.EqualsCommit == dirty {
			c.t.Errorf("dirty is %t, equal %t (%q); git says %t", tree.Dirty, tree.EqualsCommit, tree.Changed, dirty)
		}
	}
	return tree
}

// try tells whether git succeeds.
func (c *checkout) try(args ...string) bool {
	_, err := c.run(nil, args...)
	return err == nil
}

// TestWorktreeIsWhatGitSays changes a checkout at random, and after each
// change asks git whether the tree is right.
func TestWorktreeIsWhatGitSays(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			c := newCheckout(t)
			r := rand.New(rand.NewPCG(seed, 7))
			c.check() // without a commit
			for step := range 16 {
				did := c.mutate(r)
				c.check()
				if t.Failed() {
					t.Fatalf("step %d: %s", step, did)
				}
			}
		})
	}
}

var names = []string{"a", "b.txt", "dir/a", "dir/b", "dir/sub/c", "dir-x", "dir.y/z", "deep/1/2/3/4", "ünï/çödé", "with space", "new\nline", "-dash", "ig/x", "x.log", "quote\"s"}

// mutate changes one thing, and says what.
func (c *checkout) mutate(r *rand.Rand) string {
	name := names[r.IntN(len(names))]
	path := filepath.Join(c.dir, name)
	switch r.IntN(13) {
	case 0, 1, 2:
		c.clear(name)
		c.write(map[string]string{name: strings.Repeat(string("xy"[r.IntN(2)]), r.IntN(9))})
		return "write " + name
	case 3:
		_ = os.RemoveAll(path)
		return "remove " + name
	case 4:
		_ = os.Chmod(path, []os.FileMode{0o644, 0o755, 0o600, 0o700}[r.IntN(4)])
		return "chmod " + name
	case 5:
		c.clear(name)
		_ = os.Symlink([]string{"a", "/etc", "../../outside", "dir", "missing"}[r.IntN(5)], path)
		return "link " + name
	case 6:
		c.write(map[string]string{".gitignore": []string{"*.log\n", "ig/\n", "dir/*\n!dir/a\n", ""}[r.IntN(4)]})
		return "ignore"
	case 7:
		return "exclude" + c.exclude([]string{"b.txt\n", "/dir-x\n", ""}[r.IntN(3)])
	case 8:
		c.git("add", "-A")
		return "add"
	case 9:
		c.commit("step")
		return "commit"
	case 10:
		c.age()
		return "age"
	case 11:
		c.try("add", "-N", "--", name)
		return "intend " + name
	default:
		c.try("rm", "-q", "--cached", "--force", "--", name)
		return "untrack " + name
	}
}

func (c *checkout) exclude(text string) string {
	if err := os.WriteFile(filepath.Join(c.dir, ".git/info/exclude"), []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
	return text
}

// clear makes way for a file of that name.
func (c *checkout) clear(name string) {
	path := filepath.Join(c.dir, name)
	_ = os.RemoveAll(path)
	for dir := filepath.Dir(path); dir != c.dir; dir = filepath.Dir(dir) {
		if d := lstat(dir); d.found && !d.isFolder() {
			_ = os.Remove(dir)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
}

func TestUnchangedFilesAreNotRead(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"a": "a", "b": "b"})
	c.commit("one")
	c.age()
	if err := os.Chmod(filepath.Join(c.dir, "a"), 0o000); err != nil {
		t.Fatal(err)
	}
	c.git("update-index", "--refresh", "-q") // takes note of the new ctime without reading
	x, err := readIndex(filepath.Join(c.dir, ".git/index"), sha1Format)
	if err != nil {
		t.Fatal(err)
	}
	var w worktree
	w.compare(c.dir, x, statRules{})
	if len(w.same) != 2-len(w.doubtful) || slices.Contains(w.doubtful, "b") {
		t.Errorf("the index answers for %q, not for %q", paths(w.same), w.doubtful)
	}
}

// A change that leaves size and mtime as they were is seen by its ctime.
func TestSneakyChangeIsSeen(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"a": "one"})
	c.commit("one")
	c.age()
	info, err := os.Stat(filepath.Join(c.dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	c.write(map[string]string{"a": "two"})
	if err := os.Chtimes(filepath.Join(c.dir, "a"), info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	// git itself, as it is mostly built, does not see it within a second.
	if tree := c.tree(Source{}); !tree.Dirty {
		t.Error("the change is not seen")
	}
}

func TestFileModeFalse(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"run": "x", "plain": "y"})
	c.git("add", "-A")
	c.git("update-index", "--chmod=+x", "run")
	c.git("commit", "-qm", "one")
	c.git("config", "core.fileMode", "false")
	c.check()
	c.write(map[string]string{"run": "changed"})
	tree := c.check()
	if i := slices.IndexFunc(tree.Files, func(f File) bool { return f.Path == "run" }); tree.Files[i].Mode != Executable {
		t.Errorf("mode of run is %o", tree.Files[i].Mode)
	}
}

func TestLineEndsAndFilters(t *testing.T) {
	c := newCheckout(t)
	c.git("config", "filter.rot.clean", "tr a-z n-za-m")
	c.git("config", "filter.rot.smudge", "tr a-z n-za-m")
	c.write(map[string]string{".gitattributes": "*.bat text eol=crlf\n*.rot filter=rot\n", "run.bat": "echo\r\n", "secret.rot": "hello"})
	c.commit("one")
	tree := c.check()
	for _, f := range tree.Files {
		if want := int64(len(c.read(f.Path))); f.Size != want {
			t.Errorf("%s has %d bytes, want the %d on disk", f.Path, f.Size, want)
		}
	}
	c.write(map[string]string{"secret.rot": "other", "new.bat": "x\r\n"})
	c.check()
}

func (c *checkout) read(path string) string {
	c.t.Helper()
	data, err := os.ReadFile(filepath.Join(c.dir, path))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(data)
}
