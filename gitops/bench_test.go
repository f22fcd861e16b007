package gitops

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkTree times a large checkout with one changed file beside what git
// itself takes for the same hash: `git add -A` and `git write-tree`.
func BenchmarkTree(b *testing.B) {
	c := newCheckout(b)
	files := map[string]string{}
	for i := range 20_000 {
		files[fmt.Sprintf("src/pkg%02d/mod%03d/file%02d.dat", i/2000, i/100, i%100)] = strings.Repeat(fmt.Sprint(i), 50)
	}
	c.write(files)
	c.commit("one")
	time.Sleep(1100 * time.Millisecond) // not to synchronise: files of the index's own second are read again by git
	c.git("update-index", "-q", "--refresh")
	c.write(map[string]string{"src/pkg00/mod000/file00.dat": "changed"})
	b.Run("git", func(b *testing.B) {
		index, env := filepath.Join(c.dir, ".git/index"), []string{"GIT_INDEX_FILE=" + filepath.Join(b.TempDir(), "index")}
		for b.Loop() {
			data, err := os.ReadFile(index)
			if err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(strings.TrimPrefix(env[0], "GIT_INDEX_FILE="), data, 0o600); err != nil {
				b.Fatal(err)
			}
			_, _ = c.run(env, "add", "-A")
			_, _ = c.run(env, "write-tree")
		}
	})
	for _, src := range []Source{{}, {Kind: Index}, {Kind: Commit, Rev: "HEAD"}} {
		b.Run("tree of the "+src.Kind.String(), func(b *testing.B) {
			for b.Loop() {
				c.tree(src)
			}
		})
	}
	tree := c.tree(Source{})
	b.Run("tar", func(b *testing.B) {
		for b.Loop() {
			_ = tree.WriteTar(b.Context(), io.Discard, TarOptions{})
		}
	})
	b.Run("manifest", func(b *testing.B) {
		for b.Loop() {
			var text bytes.Buffer
			_ = tree.Manifest().Encode(&text)
			if _, err := DecodeManifest(&text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("dot git", func(b *testing.B) {
		for b.Loop() {
			_ = tree.WriteGit(b.Context(), io.Discard, GitOptions{})
		}
	})
}
