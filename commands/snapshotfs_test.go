package commands

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/gitops"
)

func TestFilesOfWhatIsTested(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git := func(args ...string) {
		t.Helper()
		args = append([]string{"-C", dir, "-c", "user.name=Ada", "-c", "user.email=ada@example.com"}, args...)
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	git("init", "--quiet")
	write("orb/@orb.yml", "committed")
	write("orb/jobs/a.yml", "a")
	git("add", "--all")
	git("commit", "--quiet", "--message", "first")
	write("orb/@orb.yml", "staged")
	git("add", "--all")
	write("orb/@orb.yml", "on disk")
	write("orb/jobs/b.yml", "b")

	repo, err := gitops.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for want, source := range map[string]gitops.Source{
		"committed": {Kind: gitops.Commit, Rev: "HEAD"}, "staged": {Kind: gitops.Index}, "on disk": {},
	} {
		snapshot, err := repo.Snapshot(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		files, err := testedFiles(t.Context(), dir, snapshot)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := fs.ReadFile(files, "orb/@orb.yml"); err != nil || string(text) != want {
			t.Errorf("%s: %q, %v", want, text, err)
		}
		if got := names(t, files, "orb"); got != "@orb.yml jobs/" {
			t.Errorf("%s: orb holds %s", want, got)
		}
		jobs := "a.yml"
		if source.Kind == gitops.Worktree {
			jobs = "a.yml b.yml"
		}
		if got := names(t, files, "orb/jobs"); got != jobs {
			t.Errorf("%s: orb/jobs holds %s", want, got)
		}
		for _, gone := range []string{"orb/gone", "or"} {
			if _, err := fs.Stat(files, gone); err == nil {
				t.Errorf("%s: there is %s", want, gone)
			}
		}
		if info, err := fs.Stat(files, "orb"); err != nil || !info.IsDir() {
			t.Errorf("%s: orb is %v, %v", want, info, err)
		}
	}
}

func names(t *testing.T, fsys fs.FS, dir string) string {
	t.Helper()
	list, err := fs.ReadDir(fsys, dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range list {
		name := e.Name()
		if e.IsDir() {
			name += "/"
		}
		all = append(all, name)
	}
	return strings.Join(all, " ")
}
