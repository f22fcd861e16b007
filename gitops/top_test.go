package gitops

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestTopIsWhatOpenSays(t *testing.T) {
	outside := t.TempDir()
	if got := Top(outside); got != "" {
		t.Errorf("outside of a checkout: Top = %q", got)
	}
	root := filepath.Join(outside, "repo")
	below := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("git", "init", "-q", root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	link := filepath.Join(outside, "link")
	if err := os.Symlink(below, link); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{root, below, link} {
		repo, err := Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := Top(dir); got != repo.Root {
			t.Errorf("Top(%s) = %q, Open says %q", dir, got, repo.Root)
		}
	}
}
