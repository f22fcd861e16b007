package realdocker

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// typedInto is the comment of a page that holds the files of the checkout in
// which its commands are typed.
var typedInto = regexp.MustCompile(`(?s)<!-- typed in(.*?)\n(-- .*?)-->`)

// TestPages types what the pages of docs show, where they say in which
// checkout, and compares what comes out with what they say.
func TestPages(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	guides, _ := filepath.Glob("../../docs/guide/*.md") // the pattern is good
	some := false
	for _, page := range append(pages, guides...) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		into := typedInto.FindStringSubmatch(string(text))
		if into == nil {
			continue
		}
		some = true
		t.Run(strings.TrimSuffix(filepath.Base(page), ".md"), func(t *testing.T) {
			if named := strings.Fields(into[1]); len(named) > 0 {
				images.Named(t, named...)
			}
			r := newReader(t)
			r.checkout(txtar.Parse([]byte(into[2])))
			for _, one := range typedIn(string(text)) {
				r.follow(one)
			}
		})
	}
	if !some {
		t.Error("no page says in which checkout it is typed")
	}
}

// checkout makes a repository of files, and goes there.
func (r *reader) checkout(files *txtar.Archive) {
	r.t.Helper()
	r.dir = filepath.Join(r.tmp, "hello")
	for _, f := range files.Files {
		name := filepath.Join(r.dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	for _, words := range [][]string{
		{"init", "--quiet", "--initial-branch=main"}, {"add", "."},
		{"-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "--quiet", "--message=Say hello"},
	} {
		cmd := exec.Command("git", words...)
		cmd.Dir = r.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			r.t.Fatalf("git %s: %v: %s", words[0], err, out)
		}
	}
}
