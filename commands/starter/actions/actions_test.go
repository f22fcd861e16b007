package actions

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/popsicle-ci/popsicle/runner/config"
)

// TestConvert holds what becomes of a workflow to the file beside it.
func TestConvert(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(inputs) == 0 {
		t.Fatal(err, inputs)
	}
	for _, input := range inputs {
		name := strings.TrimSuffix(filepath.Base(input), ".yml")
		t.Run(name, func(t *testing.T) {
			c := convert(t, input)
			golden(t, strings.TrimSuffix(input, ".yml")+".golden", c.Text+"\n# left\n"+strings.Join(c.Left, "\n")+"\n")
			compiles(t, c.Text)
		})
	}
}

func convert(t *testing.T, file string) Config {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Convert(fstest.MapFS{".github/workflows/" + filepath.Base(file): {Data: text}})
	if err != nil {
		t.Fatal(err, c.Left)
	}
	return c
}

// golden compares with a file, or writes it where POPSICLE_UPDATE is set.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("POPSICLE_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("POPSICLE_UPDATE=1 writes %s anew. Got:\n%s", file, got)
	}
}

// compiles proves that the text is a config.
func compiles(t *testing.T, text string) {
	t.Helper()
	if _, err := config.Compile([]config.Source{{Path: ".popsicle/ci.yml", Text: []byte(text)}}, config.Options{Branch: "main"}); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestNothing(t *testing.T) {
	for name, text := range map[string]string{
		"empty":         "",
		"a list":        "- a\n",
		"no YAML":       "on: push\n\tjobs:",
		"a schedule":    "on: {schedule: [{cron: '0 0 * * *'}]}\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}",
		"Windows alone": "on: push\njobs: {a: {runs-on: windows-latest, steps: [{run: dir}]}}",
		"a call":        "on: push\njobs: {a: {uses: ./.github/workflows/b.yml}}",
		"no jobs":       "on: push\n",
		"no steps":      "on: push\njobs: {a: {runs-on: ubuntu-latest}}",
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Convert(fstest.MapFS{".github/workflows/a.yml": {Data: []byte(text)}})
			if !errors.Is(err, ErrNothing) {
				t.Errorf("%v\n%s", err, c.Text)
			}
		})
	}
}

// TestNames: two files that have a job of one name both keep it.
func TestNames(t *testing.T) {
	text := []byte("on: push\njobs: {test: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}")
	c, err := Convert(fstest.MapFS{".github/workflows/a.yml": {Data: text}, ".github/workflows/b.yaml": {Data: text}})
	if err != nil || len(c.Jobs) != 2 || c.Jobs[0].Name != "test" || c.Jobs[1].Name != "b-test" {
		t.Errorf("%v %v", c.Jobs, err)
	}
	compiles(t, c.Text)
}

// FuzzConvert: whatever a workflow says, what comes out compiles.
func FuzzConvert(f *testing.F) {
	inputs, _ := filepath.Glob("testdata/*.yml")
	for _, input := range inputs {
		text, err := os.ReadFile(input)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Convert(fstest.MapFS{".github/workflows/a.yml": {Data: text}})
		if err == nil {
			compiles(t, c.Text)
		}
	})
}
