package orb_test

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/popsicle-ci/popsicle/runner/config/orb"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

var unpacked = files(
	"src/@orb.yml", "version: 2.1\ndescription: mine\n",
	"src/commands/hi.yml", "steps:\n  - run:\n      command: <<include(scripts/hi.sh)>>\n      name: a << include(scripts/name) >> b << parameters.x >>\n",
	"src/jobs/@shared.yml", "extra: {steps: []}\n",
	"src/jobs/do.yaml", "steps: [hi]\n",
	"src/examples/e.yml", "usage: {}\n",
	"src/scripts/hi.sh", "cat <<EOF\nhi\nEOF\n",
	"src/scripts/name", "NAME",
	"src/scripts/no.yml", "not: part of it\n",
	"src/tests/t.yml", "neither: this\n",
	"src/README.md", "text",
)

func TestReadPacksAnUnpackedOrb(t *testing.T) {
	n, err := orb.Read(unpacked, "src")
	if err != nil {
		t.Fatal(err)
	}
	run := n.Get("commands").Get("hi").Get("steps").Items[0].Get("run")
	if got := run.Get("command"); got.Text != "cat \\<<EOF\nhi\nEOF\n" || !got.Templated || got.File != "src/commands/hi.yml" || got.Line != 3 {
		t.Errorf("command: %+v", got)
	}
	if got := run.Get("name").Text; got != "a NAME b << parameters.x >>" {
		t.Errorf("name: %q", got)
	}
	if n.Get("jobs").Get("do") == nil || n.Get("jobs").Get("extra") == nil || n.Get("examples").Get("e") == nil || n.Get("scripts") != nil || n.Get("description").Text != "mine" {
		t.Errorf("packed:\n%s", tree.Write(n))
	}
	if !n.Templated {
		t.Error("the orb is not known to hold templates")
	}
}

func TestMistakesOfUnpackedOrbs(t *testing.T) {
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"no @orb.yml": {files("src/commands/a.yml", "steps: []"), "an unpacked orb has an @orb.yml"},
		"no script":   {files("src/@orb.yml", "version: 2.1", "src/commands/a.yml", "steps:\n  - run: <<include(gone.sh)>>"), "src/commands/a.yml:2:10: the included file gone.sh does not exist"},
		"bad yaml":    {files("src/@orb.yml", "a: ["), "src/@orb.yml:1:1: not valid YAML"},
		"no map":      {files("src/@orb.yml", "- a"), "it must be a map"},
		"no folder":   {files("other", ""), "file does not exist"},
	} {
		if _, err := orb.Read(c.files, "src"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestFolderTakesAnyVersionAndMissingScripts(t *testing.T) {
	f := orb.Folder{FS: files("a/src/@orb.yml", "commands: {}", "a/src/commands/c.yml", "steps: [run: <<include(gone.sh)>>]", "b/orb.yml", "jobs: {}", "c/src/orb.yml", "jobs: {}")}
	for _, ref := range []string{"x/a@1", "y/b@volatile", "z/c@dev:first"} {
		if n, err := f.Orb(ref); err != nil || n == nil {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if _, err := f.Orb("x/d@1"); err == nil || !strings.Contains(err.Error(), "there is no folder d") {
		t.Errorf("got %v", err)
	}
}

func TestParseRef(t *testing.T) {
	for s, want := range map[string]bool{
		"circleci/node@5.1": true, "a/b@dev:x/y": true, "a/b": false, "./a/b@1": false, "a@1": false, "https://x/y@1": false, "a/b/c@1": false, "/b@1": false,
	} {
		if r, ok := orb.ParseRef(s); ok != want || ok && r.String() != s {
			t.Errorf("%s: %v %v", s, r, ok)
		}
	}
}

func TestLibraryReadsWhatIsLocked(t *testing.T) {
	source := "commands: {}\n"
	lock := orb.Lock{"a/one@1": {Version: "1.2.3", SHA256: orb.Sum([]byte(source)), File: "a/one@1.2.3.yml"}, "a/gone@1": {Version: "1.0.0", SHA256: "00", File: "a/gone@1.0.0.yml"}}
	checkout := files(".popsicle/orbs/orbs.lock", string(lock.Format()), ".popsicle/orbs/a/one@1.2.3.yml", source, "orbs/mine.yml", "jobs: {}")
	l := orb.Library{FS: checkout, Vendored: ".popsicle/orbs"}
	for _, ref := range []string{"a/one@1", "./orbs/mine.yml"} {
		if n, err := l.Orb(ref); err != nil || n == nil {
			t.Errorf("%s: %v", ref, err)
		}
	}
	checkout[".popsicle/orbs/a/one@1.2.3.yml"].Data = []byte("changed: 1")
	for ref, want := range map[string]string{
		"a/one@2": "popsicle orb vendor", "a/gone@1": "is locked, but", "a/one@1": "the lock file says", "./orbs/none.yml": "does not exist", "https://x/y.yml": "popsicle orb vendor",
	} {
		if _, err := l.Orb(ref); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", ref, err, want)
		}
	}
}

func TestLockIsReadAsItIsWritten(t *testing.T) {
	lock := orb.Lock{"b/b@1": {"1.0.0", "aa", "b/b@1.0.0.yml"}, "a/a@2": {"2.1.0", "bb", "a/a@2.1.0.yml"}}
	back, err := orb.ParseLock("x", lock.Format())
	if err != nil || !reflect.DeepEqual(back, lock) {
		t.Errorf("%v, %v\n%s", back, err, lock.Format())
	}
	for _, bad := range []string{"a b c", "a/b@1 1 aa ../../etc/passwd", "a/b@1 1 aa /etc/passwd"} {
		if _, err := orb.ParseLock("x", []byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
