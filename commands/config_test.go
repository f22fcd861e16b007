package commands

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/runner/config"
	"github.com/popsicle-ci/popsicle/runner/config/orb"
)

func TestProjectRoot(t *testing.T) {
	top := t.TempDir()
	for _, dir := range []string{"git/.git", "git/sub/.circleci", "git/sub/deep", "plain/.circleci", "plain/deep/er", "bare/deep"} {
		if err := os.MkdirAll(filepath.Join(top, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for from, want := range map[string]string{
		"git/sub/deep": "git", "git": "git", "plain/deep/er": "plain", "plain": "plain", "bare/deep": "bare/deep",
	} {
		got, err := projectRoot(filepath.Join(top, from))
		if err != nil || got != filepath.Join(top, want) {
			t.Errorf("%s: %s, %v", from, got, err)
		}
	}
}

func TestParseEval(t *testing.T) {
	for _, c := range []struct {
		args []string
		want evaluation
		ok   bool
	}{
		{[]string{"1"}, evaluation{text: "1"}, true},
		{[]string{"-foo"}, evaluation{text: "-foo"}, true},
		{[]string{"--env", "f", "--truth", "-e"}, evaluation{text: "-e", env: "f", truth: true}, true},
		{[]string{"-env=f", "x"}, evaluation{text: "-env=f"}, false},
		{[]string{"--env=f", "--", "--truth"}, evaluation{text: "--truth", env: "f"}, true},
		{[]string{""}, evaluation{}, true},
		{[]string{"--help"}, evaluation{help: true}, true},
		{nil, evaluation{}, false},
		{[]string{"a", "b"}, evaluation{}, false},
		{[]string{"--env"}, evaluation{}, false},
	} {
		got, err := parseEval(c.args)
		if (err == nil) != c.ok || c.ok && got != c.want {
			t.Errorf("%q: %+v, %v", c.args, got, err)
		}
	}
}

func TestTypedValues(t *testing.T) {
	for name, want := range map[string]any{"pipeline.number": int64(7), "pipeline.git.branch": "7"} {
		if got := typedValue(name, "7"); got != want {
			t.Errorf("%s is %v", name, got)
		}
	}
	if got := typedValue("pipeline.git.branch.is_default", "true"); got != true {
		t.Errorf("is_default is %v", got)
	}
	if got := typedValue("pipeline.git.tag", "true"); got != "true" {
		t.Errorf("tag is %v", got)
	}
}

func TestChecksFindAllMistakesOnce(t *testing.T) {
	text := "version: 2.1\njobs:\n  build:\n    docker: [{image: \"a:1\"}]\n    steps: [{run: \"<< nope >>\"}]\n    wrong: 1\nworkflows:\n  main:\n    jobs: [build, gone]\n"
	k := newCheck([]source{{Path: "ci.yml", Text: []byte(text)}}, 0, config.Options{})
	var lines []int
	for _, m := range k.mistakes {
		lines = append(lines, m.Pos.Line)
	}
	if !reflect.DeepEqual(lines, []int{5, 6, 9}) || k.plan != nil {
		t.Errorf("mistakes in lines %v: %v", lines, k.mistakes)
	}
	if k = newCheck([]source{{Path: "ci.yml"}}, 0, config.Options{}); len(k.mistakes) != 1 || k.file != nil {
		t.Errorf("an empty file: %v", k.mistakes)
	}
	k.lint() // there is nothing to look at, and no panic
}

func TestOneFileDeclaresAParameter(t *testing.T) {
	jobs := "jobs: {build: {docker: [{image: \"a:1\"}], steps: [checkout]}}\nworkflows: {main: {jobs: [build]}}\n"
	files := []source{
		{Path: "a.yml", Text: []byte("version: 2.1\n" + jobs)},
		{Path: "b.yml", Text: []byte("version: 2.1\nparameters: {who: {type: string, default: x}}\n" + jobs)},
	}
	for name, want := range map[string][]int{"who": {0, 0}, "what": {1, 0}} {
		checks := slices.Collect(newChecks(files, config.Options{Parameters: map[string]string{name: "x"}}))
		if got := []int{len(checks[0].mistakes), len(checks[1].mistakes)}; !reflect.DeepEqual(got, want) {
			t.Errorf("-p %s=x: %v mistakes, want %v", name, got, want)
		}
	}
}

func TestRelaxedOrbs(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, vendored, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	source := []byte("commands: {}\n")
	lock := orb.Lock{"a/b@1": {Version: "1.0.0", SHA256: orb.Sum(source), File: "a/b@1.0.0.yml"}}
	for name, text := range map[string][]byte{orb.LockFile: lock.Format(), "a/b@1.0.0.yml": source} {
		if err := os.WriteFile(filepath.Join(dir, vendored, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	orbs := relaxedOrbs{orb.Library{FS: os.DirFS(dir), Vendored: vendored}}
	for _, ref := range []string{"a/b@1", "a/b@2", "a/b@volatile"} {
		if n, err := orbs.Orb(ref); err != nil || n == nil {
			t.Errorf("%s: %v", ref, err)
		}
	}
	for _, ref := range []string{"a/c@1", "b/b@1", "https://example.com/orb.yml"} {
		if _, err := orbs.Orb(ref); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", ref, err)
		}
	}
}

func TestFlagsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/config-commands.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, parent := range []*cli.Command{configCommand(), orbCommand()} {
		for _, c := range parent.Commands {
			if !strings.Contains(string(text), "## popsicle "+parent.Name+" "+c.Name) {
				t.Errorf("popsicle %s %s is not in docs/config-commands.md", parent.Name, c.Name)
			}
			for _, f := range c.Flags {
				names := f.Names()
				if !slices.ContainsFunc(names, func(n string) bool {
					return strings.Contains(string(text), "--"+n) || len(n) == 1 && strings.Contains(string(text), "`-"+n+" ")
				}) {
					t.Errorf("popsicle %s %s: the flag %v is not in docs/config-commands.md", parent.Name, c.Name, names)
				}
			}
		}
	}
}
