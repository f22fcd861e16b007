package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// module is the path that packages of popsicle's own begin with.
const module = "github.com/popsicle-ci/popsicle"

// floors says which packages of popsicle a package may import, outside its
// tests. Arrows only run down; docs/architecture.md draws them.
var floors = map[string][]string{
	".": {"commands"},

	"commands": {
		"commands/chart", "commands/finding", "commands/forward", "commands/registry", "commands/starter", "commands/starter/actions", "commands/term", "commands/vault", "db", "ghstatus", "gitops", "server",
		"runner", "runner/config", "runner/config/expr", "runner/config/orb", "runner/config/schema", "runner/config/tree", "runner/docker", "runner/event", "runner/plan", "runner/stash",
	},

	"runner": {"gitops", "runner/docker", "runner/event", "runner/junit", "runner/plan", "runner/stash"},
	"server": {"db"},

	"commands/chart":   {"runner/plan"},
	"commands/finding": {"runner/plan"},
	"commands/term":    {"commands/finding", "runner/event", "runner/plan"},
	"db":               {"runner/event"},
	"ghstatus":         {"runner/event"},
	"runner/config":    {"runner/config/expr", "runner/config/schema", "runner/config/template", "runner/config/tree", "runner/plan"},

	"commands/starter/actions": {"runner/config/tree"},

	"runner/config/orb":      {"runner/config/tree"},
	"runner/config/schema":   {"runner/config/tree"},
	"runner/config/tree":     {"runner/plan"},
	"runner/config/template": {"runner/config/expr"},

	"commands/forward":   {},
	"commands/registry":  {},
	"commands/vault":     {},
	"commands/starter":   {},
	"gitops":             {},
	"runner/config/expr": {},
	"runner/docker":      {},
	"runner/event":       {},
	"runner/junit":       {},
	"runner/plan":        {},
	"runner/stash":       {},
}

// workshop is what serves tests and development: it may import everything,
// and nothing that users get may import it.
const workshop = "testscripts"

// knows says which packages alone may know a thing. A name that ends in a
// slash stands for everything below it.
var knows = map[string][]string{
	"database/sql":                     {"db"},
	"github.com/cli/go-gh/":            {"ghstatus"},
	"github.com/go-git/":               {"gitops"},
	"github.com/julienschmidt/":        {"server"},
	"github.com/mattn/go-sqlite3":      {"db"},
	"github.com/urfave/cli/":           {"commands"},
	"gopkg.in/yaml.v3":                 {"runner/config/tree"},
	"net/http":                         {"server", "ghstatus", "commands", "commands/registry", "gitops"},
	"os/exec":                          {"runner/docker", "gitops", "commands/forward"},
	"github.com/rogpeppe/go-internal/": {workshop},
	"github.com/zalando/go-keyring":    {"commands/vault"},
}

// The sizes that a reader can hold: of a function, and of a file.
const (
	longestFunction = 100
	longestFile     = 350
)

// A source is one parsed Go file.
type source struct {
	name string // with slashes, from the top
	pkg  string // its folder
	test bool
	file *ast.File
	set  *token.FileSet
}

// sources parses every Go file of the module, once for all tests.
var sources = sync.OnceValues(func() ([]source, error) {
	var all []source
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || isModule(name)) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution|parser.ParseComments)
		name = filepath.ToSlash(name)
		all = append(all, source{name, path.Dir(name), strings.HasSuffix(name, "_test.go"), f, set})
		return err
	})
	return all, err
})

// isModule says whether a folder is a module of its own, as examples are.
func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// eachSource runs a check on every file.
func eachSource(t *testing.T, check func(source)) {
	t.Helper()
	all, err := sources()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no Go files here")
	}
	for _, s := range all {
		check(s)
	}
}

// at says where something stands.
func (s source) at(p token.Pos) string {
	return fmt.Sprintf("%s:%d", s.name, s.set.Position(p).Line)
}

// ofWorkshop says whether s serves tests and development alone.
func (s source) ofWorkshop() bool {
	return s.test || s.pkg == workshop || strings.HasPrefix(s.pkg, workshop+"/")
}

// imports calls f with every import path of a file.
func (s source) imports(f func(imported, where string)) {
	for _, i := range s.file.Imports {
		f(strings.Trim(i.Path.Value, `"`), s.at(i.Pos()))
	}
}

func TestFloors(t *testing.T) {
	eachSource(t, func(s source) {
		if s.ofWorkshop() {
			return
		}
		allowed, ok := floors[s.pkg]
		if !ok {
			t.Errorf("%s: package %s has no floor: give it one in main_test.go and in docs/architecture.md", s.name, s.pkg)
		}
		s.imports(func(imported, where string) {
			below, ours := strings.CutPrefix(imported, module+"/")
			if ours && !slices.Contains(allowed, below) {
				t.Errorf("%s: %s may not import %s", where, s.pkg, below)
			}
		})
	})
}

func TestFloorsOnlyRunDown(t *testing.T) {
	var visit func(string, []string)
	visit = func(pkg string, above []string) {
		if slices.Contains(above, pkg) {
			t.Fatalf("the floors run in a circle: %v", append(above, pkg))
		}
		for _, below := range floors[pkg] {
			if _, ok := floors[below]; !ok {
				t.Errorf("%s stands on %s, which has no floor", pkg, below)
			}
			visit(below, append(above[:len(above):len(above)], pkg))
		}
	}
	for pkg := range floors {
		visit(pkg, nil)
	}
}

func TestWhoKnowsWhat(t *testing.T) {
	eachSource(t, func(s source) {
		if s.ofWorkshop() {
			return
		}
		s.imports(func(imported, where string) {
			for thing, who := range knows {
				is := imported == thing || strings.HasSuffix(thing, "/") && strings.HasPrefix(imported, thing)
				if is && !slices.Contains(who, s.pkg) {
					t.Errorf("%s: only %s may know %s", where, strings.Join(who, ", "), thing)
				}
			}
		})
	})
}

func TestSizes(t *testing.T) {
	eachSource(t, func(s source) {
		if n := s.set.File(s.file.FileStart).LineCount(); n > longestFile {
			t.Errorf("%s has %d lines: more than %d mean that it holds two nouns", s.name, n, longestFile)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			from, to := s.set.Position(f.Pos()).Line, s.set.Position(f.End()).Line
			if to-from+1 > longestFunction {
				t.Errorf("%s: %s has %d lines: at most %d", s.at(f.Pos()), f.Name.Name, to-from+1, longestFunction)
			}
		}
	})
}

// forbidden are calls that nobody makes, and why.
var forbidden = map[string]string{
	"os.Exit":    "only main may exit: return an error instead",
	"log.Fatal":  "only main may exit: return an error instead",
	"log.Fatalf": "only main may exit: return an error instead",
	"time.Sleep": "a sleep waits too long or too short: wait for what is meant",
}

// excuse is the comment beside a call that is meant all the same, as where a
// test does something at a random moment.
const excuse = "not to synchronise"

// excused returns the lines of a file with an excuse beside them.
func (s source) excused() map[int]bool {
	lines := map[int]bool{}
	for _, group := range s.file.Comments {
		if strings.Contains(group.Text(), excuse) {
			lines[s.set.Position(group.Pos()).Line] = true
		}
	}
	return lines
}

func TestForbiddenCalls(t *testing.T) {
	eachSource(t, func(s source) {
		excused := s.excused()
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := call.X.(*ast.Ident)
			if !ok {
				return true
			}
			name := pkg.Name + "." + call.Sel.Name
			why := forbidden[name]
			mayExit := name == "os.Exit" && (s.file.Name.Name == "main" || s.test)
			if why != "" && !mayExit && !excused[s.set.Position(call.Pos()).Line] {
				t.Errorf("%s: %s: %s", s.at(call.Pos()), name, why)
			}
			return true
		})
	})
}

func TestExportedNamesAreExplained(t *testing.T) {
	eachSource(t, func(s source) {
		if s.test {
			return
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.IsExported() && d.Doc == nil {
					t.Errorf("%s: %s has no comment", s.at(d.Pos()), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, name := range unexplainedTypes(d) {
					t.Errorf("%s: %s has no comment", s.at(name.Pos()), name.Name)
				}
			}
		}
	})
}

// unexplainedTypes returns the exported types of a declaration that no
// comment stands above.
func unexplainedTypes(d *ast.GenDecl) []*ast.Ident {
	var names []*ast.Ident
	for _, spec := range d.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if ok && t.Name.IsExported() && t.Doc == nil && d.Doc == nil {
			names = append(names, t.Name)
		}
	}
	return names
}
