package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/commands"
)

// TestPage holds docs/cli.md to the help texts. UPDATE=1 writes it anew.
func TestPage(t *testing.T) {
	const page = "../../docs/cli.md"
	want := append(markdown(commands.Tree()), '\n')
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/cli.md is not what the commands say (%v): UPDATE=1 go test ./testscripts/clidoc", err)
	}
}

func TestParts(t *testing.T) {
	got := parts("Does it\nwell:\n   popsicle x\n\n   popsicle y\n\nAnd more.\n\nMore.")
	want := []part{{false, "Does it\nwell:"}, {true, "popsicle x"}, {true, "popsicle y"}, {false, "And more."}, {false, "More."}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRoff(t *testing.T) {
	if got, want := roff(".popsicle/*.yml\nit's --json \\o/"), `\&.popsicle/*.yml`+"\n"+`it\(aqs \-\-json \eo/`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What packages bring: a page a command, and the scripts of the shells.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"man/man1/popsicle.1", "man/man1/popsicle-daemon-repo-add.1", "bash-completion/completions/popsicle", "zsh/vendor-completions/_popsicle", "fish/vendor_completions.d/popsicle.fish"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() < 300 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("no mandoc here to check the pages")
	}
	pages, _ := filepath.Glob(filepath.Join(dir, "man/man1/*.1"))
	out, err := exec.Command(mandoc, append([]string{"-Tlint", "-Wwarning"}, pages...)...).CombinedOutput()
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(out)), "\n"), func(l string) bool {
		return l == "" || strings.Contains(l, "missing date") // the same text gives the same pages
	})
	if len(lines) > 0 {
		t.Errorf("mandoc -Tlint: %v\n%s", err, strings.Join(lines, "\n"))
	}
}
