package gitops

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestDeltasAndJobs changes a checkout at random. After each change a copy
// that is only kept up by deltas must be as a fresh one, and git in the job
// must find just those files changed that the tree says.
func TestDeltasAndJobs(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			c := newCheckout(t)
			r := rand.New(rand.NewPCG(seed, 8))
			for range 8 {
				c.mutate(r)
			}
			c.commit("base")
			program := tars()[int(seed)%len(tars())]
			base := c.tree(Source{})
			dir := untar(t, tarOf(t, base, TarOptions{}), program...)
			for step := range 12 {
				did := c.mutate(r)
				tree := c.tree(Source{})
				apply(t, tree, base.Manifest(), dir, program)
				fresh := untar(t, tarOf(t, tree, TarOptions{}), program...)
				if got, want := seenIn(t, dir), seenIn(t, fresh); !maps.Equal(got, want) {
					t.Fatalf("step %d, %q: got %q\nwant %q", step, did, got, want)
				}
				if got := job(t, tree, GitOptions{}).changed(); !slices.Equal(got, tree.Changed) {
					t.Fatalf("step %d, %q: in the job %q, want %q", step, did, got, tree.Changed)
				}
				base = tree
			}
		})
	}
}

// apply brings a copy of the tree that m lists up to date.
func apply(t *testing.T, tree *Tree, m Manifest, dir string, program []string) {
	t.Helper()
	m, err := DecodeManifest(bytes.NewReader(encoded(t, m)))
	if err != nil {
		t.Fatal(err)
	}
	changed, deleted := tree.Since(m)
	for _, path := range deleted {
		if err := os.RemoveAll(filepath.Join(dir, path)); err != nil {
			t.Fatal(err)
		}
	}
	untarInto(t, tarOf(t, tree, TarOptions{Only: changed}), dir, program...)
}

// seenIn tells of everything below dir what a job could see, but for mtimes.
func seenIn(t *testing.T, dir string) map[string]string {
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
		text, _ := os.Readlink(path)
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = string(data)
		}
		all[path[len(dir):]] = info.Mode().String() + text
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// changed is what git finds changed; ignored files too, since one that is
// tracked but not committed may be ignored.
func (c *checkout) changed() []string {
	c.t.Helper()
	var paths []string
	for _, record := range fields([]byte(c.git("status", "--porcelain", "-z", "--no-renames", "-uall", "--ignored"))) {
		paths = append(paths, record[3:])
	}
	slices.Sort(paths)
	return paths
}
