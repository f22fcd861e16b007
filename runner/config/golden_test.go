package config_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/popsicle-ci/popsicle/runner/config"
	"github.com/popsicle-ci/popsicle/runner/config/orb"
	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what the compiler gives into the golden files")

// TestGolden compiles the config.yml of every testdata/*/*.txtar and compares
// with its sections: compiled (the file as compiled), plan (what runs after
// what), errors, warnings. The comment above the files sets options, one a
// line: `branch main`, `tag v1`, `value pipeline.number 7`, `param name value`.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.ToSlash(file)[len("testdata/"):], ".txtar"), func(t *testing.T) { golden(t, file) })
	}
}

func golden(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{}
	for _, f := range archive.Files {
		tree[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	o := options(t, string(archive.Comment))
	o.Orbs = orb.Library{FS: tree, Vendored: ".popsicle/orbs"}
	got := results(tree["config.yml"].Data, o)
	for i, f := range archive.Files {
		want, have := got[f.Name]
		if !have {
			continue
		}
		delete(got, f.Name)
		if string(f.Data) != want {
			if *update {
				archive.Files[i].Data = []byte(want)
				continue
			}
			t.Errorf("%s:\n--- got\n%s--- want\n%s", f.Name, want, f.Data)
		}
	}
	if text := got["errors"]; text != "" && !*update {
		t.Errorf("errors that are not expected:\n%s", text)
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func options(t *testing.T, comment string) config.Options {
	o := config.Options{Values: map[string]any{}, Parameters: map[string]string{}}
	for line := range strings.Lines(comment) {
		words := append(strings.Fields(line), "", "", "")
		switch words[0] {
		case "branch":
			o.Branch = words[1]
			o.Values["pipeline.git.branch"] = words[1]
		case "tag":
			o.Tag = words[1]
			o.Values["pipeline.git.tag"] = words[1]
		case "value":
			o.Values[words[1]] = words[2]
		case "param":
			o.Parameters[words[1]] = words[2]
		case "", "#":
		default:
			t.Fatalf("unknown option %q", line)
		}
	}
	return o
}

// results are the texts that golden files are compared with.
func results(text []byte, o config.Options) map[string]string {
	got := map[string]string{}
	p, err := config.Compile([]config.Source{{Path: "config.yml", Text: text}}, o)
	if err != nil {
		got["errors"] = err.Error() + "\n"
		return got
	}
	got["compiled"], got["plan"] = p.Files[0].Config, describe(p)
	f, _ := config.Parse("config.yml", text)
	f, _ = f.Expand(o)
	for _, w := range f.Warnings() {
		got["warnings"] += fmt.Sprintf("%s [%s]\n", w, w.Code)
	}
	return got
}

// describe draws what runs, and after what.
func describe(p *plan.Pipeline) string {
	var b strings.Builder
	for _, w := range p.Workflows {
		fmt.Fprintf(&b, "workflow %s\n", w.Name)
		for _, j := range w.Jobs {
			fmt.Fprintf(&b, "  %s (%s)", j.Name, j.Kind)
			for _, r := range j.Requires {
				fmt.Fprintf(&b, " after %s", r.Job)
				if len(r.Statuses) != 1 || r.Statuses[0] != "success" {
					fmt.Fprintf(&b, ":%s", strings.Join(r.Statuses, "|"))
				}
			}
			b.WriteString("\n")
		}
		for _, s := range w.Skipped {
			fmt.Fprintf(&b, "  not %s: %s\n", s.Job, s.Reason)
		}
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "%s: %s: %s\n", n.Pos, n.Key, n.Text)
	}
	return b.String()
}
