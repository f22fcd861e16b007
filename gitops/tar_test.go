package gitops

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// tarOf writes a tree into memory.
func tarOf(t *testing.T, tree *Tree, o TarOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tree.WriteTar(t.Context(), &b, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// An entry is what a test wants to know of one entry of a tar.
type entry struct {
	kind byte
	mode int64
	text string
}

// entriesOf reads a tar by Go's reader.
func entriesOf(t *testing.T, data []byte) (map[string]entry, []*tar.Header) {
	t.Helper()
	entries := map[string]entry{}
	var headers []*tar.Header
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return entries, headers
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		entries[h.Name] = entry{h.Typeflag, h.Mode, string(text) + h.Linkname}
		headers = append(headers, h)
	}
}

// untar unpacks by the named program, as a job's image would.
func untar(t *testing.T, data []byte, program ...string) string {
	t.Helper()
	return untarInto(t, data, realDir(t, t.TempDir()), program...)
}

// untarInto unpacks into a folder that may hold something.
func untarInto(t *testing.T, data []byte, dir string, program ...string) string {
	t.Helper()
	program = append(program, "-x", "-f", "-")
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(data)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	return dir
}

// tars are the tar programs of this machine.
func tars() [][]string {
	programs := [][]string{{"tar"}}
	if path, err := exec.LookPath("busybox"); err == nil {
		programs = append(programs, []string{path, "tar"})
	}
	return programs
}

// manyNames is a checkout with whatever a file name may be.
func manyNames(t *testing.T) *checkout {
	c := newCheckout(t)
	long := strings.Repeat("long-name/", 20) + strings.Repeat("x", 200)
	c.write(map[string]string{"plain": "text", "empty": "", "dir/run.sh": "#!/bin/sh\n", long: "deep", "ünï/çödé ✓": "utf-8",
		"new\nline": "1", "\xff\xfe": "not utf-8", "big": strings.Repeat("0123456789", 50_000), strings.Repeat("e", 100): "100", "d/" + strings.Repeat("f", 155): "155"})
	if err := os.Chmod(filepath.Join(c.dir, "dir/run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"link": "plain", "dir/out": "../../outside", "abs": "/etc/hostname", "far": strings.Repeat("t/", 90) + "é"} {
		if err := os.Symlink(target, filepath.Join(c.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	c.commit("one")
	c.write(map[string]string{"untracked": "too"})
	return c
}

func TestTarHoldsTheTree(t *testing.T) {
	c := manyNames(t)
	c.git("add", "-A")
	for _, src := range []Source{{Kind: Worktree}, {Kind: Index}} {
		tree := c.tree(src)
		data := tarOf(t, tree, TarOptions{UID: 1234, GID: 4321})
		for _, program := range tars() {
			dir := untar(t, data, program...)
			got := &checkout{t: t, dir: dir}
			got.git("init", "-q", "-b", "main")
			if hash := got.tree(Source{}).Hash; hash != tree.Hash {
				t.Errorf("%s of the %s: tree %s, want %s", program, src.Kind, hash, tree.Hash)
			}
			for _, f := range tree.Files {
				d := lstat(filepath.Join(dir, f.Path))
				if f.Mode == Symlink {
					continue // busybox gives links the time of now
				}
				if !d.found || d.modTime().Unix() != f.ModTime.Unix() || int64(d.stat.Mode&0o777) != f.Mode.perm() {
					t.Errorf("%s of the %s: %q: mode %o, mtime %s", program, src.Kind, f.Path, d.stat.Mode, d.modTime())
				}
			}
		}
		if len(tree.Unstable()) > 0 {
			t.Errorf("unstable: %q", tree.Unstable())
		}
	}
}

func TestTarOptions(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"a/b/c": "1", "a/d": "2", "e": "3"})
	tree := c.tree(Source{})
	only := slices.DeleteFunc(slices.Clone(tree.Files), func(f File) bool { return f.Path == "a/d" })
	got, headers := entriesOf(t, tarOf(t, tree, TarOptions{Only: only, UID: 7, GID: 8, Prefix: "/home/me/project/"}))
	want := map[string]entry{
		"home/me/project/":      {tar.TypeDir, 0o755, ""},
		"home/me/project/a/":    {tar.TypeDir, 0o755, ""},
		"home/me/project/a/b/":  {tar.TypeDir, 0o755, ""},
		"home/me/project/a/b/c": {tar.TypeReg, 0o644, "1"},
		"home/me/project/e":     {tar.TypeReg, 0o644, "3"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	for _, h := range headers {
		if h.Uid != 7 || h.Gid != 8 {
			t.Errorf("%s belongs to %d:%d", h.Name, h.Uid, h.Gid)
		}
	}
}

// Files that change between the listing and the reading do not break the
// stream, and are told.
func TestUnstableFiles(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"cut": "0123456789", "grown": "1", "gone": "1", "linked": "1", "same": "1", "touched": "1"})
	tree := c.tree(Source{})
	c.write(map[string]string{"cut": "012", "grown": "123"})
	for _, name := range []string{"gone", "linked"} {
		if err := os.Remove(filepath.Join(c.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(c.dir, "linked")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(c.dir, "touched"), time.Now(), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	got, _ := entriesOf(t, tarOf(t, tree, TarOptions{}))
	if got["cut"].text != "012" || got["same"].text != "1" || len(got) != 4 {
		t.Errorf("got %v", got)
	}
	if want := []string{"cut", "gone", "grown", "linked", "touched"}; !slices.Equal(tree.Unstable(), want) {
		t.Errorf("unstable %q, want %q", tree.Unstable(), want)
	}
}

// A file that is cut while it is copied is filled up: its size is written.
func TestFileCutWhileRead(t *testing.T) {
	var b bytes.Buffer
	a := newArchive(&b, "", 0, 0, time.Unix(0, 0))
	if err := a.file("f", Regular, &content{size: 5, modTime: time.Unix(9, 0), body: strings.NewReader("ab")}); err != nil {
		t.Fatal(err)
	}
	if err := a.tar.Close(); err != nil {
		t.Fatal(err)
	}
	if got, _ := entriesOf(t, b.Bytes()); got["f"].text != "ab\x00\x00\x00" {
		t.Errorf("got %q", got["f"].text)
	}
}

func TestTarOfACommitAsCheckedOut(t *testing.T) {
	c := newCheckout(t)
	c.git("config", "filter.rot.clean", "tr a-z n-za-m")
	c.git("config", "filter.rot.smudge", "tr a-z n-za-m")
	c.git("config", "core.autocrlf", "true") // the user's own, not the tree's
	c.write(map[string]string{".gitattributes": "*.bat text eol=crlf\n*.rot filter=rot\n", "sub/.gitattributes": "*.bat -text\n",
		"run.bat": "a\nb\n", "sub/run.bat": "a\nb\n", "secret.rot": "hello\n", "plain": "a\nb", "empty.bat": ""})
	if err := os.Symlink("a.bat", filepath.Join(c.dir, "link.bat")); err != nil {
		t.Fatal(err)
	}
	c.commit("one")
	got, _ := entriesOf(t, tarOf(t, c.tree(Source{Kind: Commit, Rev: "HEAD"}), TarOptions{}))
	for name, want := range map[string]string{"run.bat": "a\r\nb\r\n", "sub/run.bat": "a\nb\n", "secret.rot": "hello\n", "plain": "a\nb", "empty.bat": "", "link.bat": "a.bat"} {
		if got[name].text != want {
			t.Errorf("%s is %q, want %q", name, got[name].text, want)
		}
	}
}

func TestWriteTarEnds(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"a": strings.Repeat("x", 1<<20), "b": "1"})
	c.commit("one")
	for _, src := range []Source{{Kind: Worktree}, {Kind: Commit, Rev: "HEAD"}} {
		tree := c.tree(src)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := tree.WriteTar(ctx, io.Discard, TarOptions{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", src.Kind, err)
		}
		if err := tree.WriteTar(t.Context(), failingWriter{}, TarOptions{}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: %v", src.Kind, err)
		}
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestUnreadableFileIsNamed(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root reads everything")
	}
	c := newCheckout(t)
	c.write(map[string]string{"secret": "1"})
	tree := c.tree(Source{})
	if err := os.Chmod(filepath.Join(c.dir, "secret"), 0); err != nil {
		t.Fatal(err)
	}
	if err := tree.WriteTar(t.Context(), io.Discard, TarOptions{}); !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}
