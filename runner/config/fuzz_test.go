package config_test

import (
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/popsicle-ci/popsicle/runner/config"
	"github.com/popsicle-ci/popsicle/runner/config/orb"
	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzCompile looks for configs that make the compiler panic or stand still,
// and for compiled configs that do not compile to themselves.
func FuzzCompile(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*.txtar")
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range archive.Files {
			if part.Name == "config.yml" {
				f.Add(part.Data)
			}
		}
	}
	o := config.Options{
		Branch: "main", Values: map[string]any{"pipeline.git.branch": "main"},
		Orbs: orb.Library{FS: fstest.MapFS{}, Vendored: ".popsicle/orbs"},
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		watch := time.AfterFunc(10*time.Second, func() { panic("slow: " + string(text)) })
		defer watch.Stop()
		p, err := config.Compile([]config.Source{{Path: "fuzz.yml", Text: text}}, o)
		if err != nil {
			return
		}
		compiled := p.Files[0].Config
		again, err := config.Compile([]config.Source{{Path: "again.yml", Text: []byte(compiled)}}, o)
		if err != nil {
			t.Fatalf("the compiled config does not compile: %v\n%s", err, compiled)
		}
		if again.Files[0].Config != compiled {
			t.Fatalf("it compiles to something else:\n%s\nthen\n%s", compiled, again.Files[0].Config)
		}
		file, _ := config.Parse("fuzz.yml", text)
		if file, err = file.Expand(o); err == nil {
			file.Warnings()
		}
	})
}
