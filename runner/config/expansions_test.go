package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/config"
)

// TestExpansions compiles every testdata/expansions/*/in.yml, which must give
// out.yml, and out.yml, which must give itself. Comments at the top of in.yml
// set options, as in TestGolden, and tell the rule.
func TestExpansions(t *testing.T) {
	dirs, err := filepath.Glob("testdata/expansions/*")
	if err != nil || len(dirs) < 20 {
		t.Fatalf("%d pairs: %v", len(dirs), err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			in, err := os.ReadFile(filepath.Join(dir, "in.yml"))
			if err != nil {
				t.Fatal(err)
			}
			out, err := os.ReadFile(filepath.Join(dir, "out.yml"))
			if err != nil && !(*update && errors.Is(err, fs.ErrNotExist)) {
				t.Fatal(err)
			}
			got := process(t, in, optionsAbove(t, string(in)))
			if *update {
				if err := os.WriteFile(filepath.Join(dir, "out.yml"), []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(out) {
				t.Errorf("got\n%swant\n%s", got, out)
			}
			if again := process(t, []byte(got), config.Options{}); again != got {
				t.Errorf("compiled again it becomes\n%sinstead of\n%s", again, got)
			}
		})
	}
}

// process is the compiled config.
func process(t *testing.T, text []byte, o config.Options) string {
	t.Helper()
	p, err := config.Compile([]config.Source{{Path: "config.yml", Text: text}}, o)
	if err != nil {
		t.Fatal(err)
	}
	return p.Files[0].Config
}

// optionsAbove reads the options in the comments before a config.
func optionsAbove(t *testing.T, text string) config.Options {
	t.Helper()
	var lines strings.Builder
	for line := range strings.Lines(text) {
		words := strings.TrimPrefix(line, "# ")
		if words == line {
			break
		}
		switch first, _, _ := strings.Cut(words, " "); first {
		case "branch", "tag", "value", "param":
			lines.WriteString(words)
		}
	}
	return options(t, lines.String())
}
