package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/config"
	"github.com/popsicle-ci/popsicle/runner/config/orb"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// vendored is the folder of orbs in a checkout.
const vendored = ".popsicle/orbs"

// A project is the config files that a command looks at, and the folder they
// belong to: the top of a checkout, or what comes nearest to it. Unlike a
// launch it needs neither git nor the history.
type project struct {
	root    string
	files   *os.Root // what is in it: links do not lead out
	orbDir  fs.FS    // where --orbs looks; nil: nowhere
	sources []source
	named   bool // the files were named on the command line
}

// openConfigs reads the files that the arguments name, and what they are
// compiled with.
func openConfigs(ctx context.Context, c *cli.Command) (*project, config.Options, error) {
	p, err := openProject(c, c.Args().Slice())
	if err != nil {
		return nil, config.Options{}, err
	}
	o, err := p.options(ctx, c)
	return p, o, err
}

// openProject reads the files that the command names, else those of the
// folder's project. "-" is standard input.
func openProject(c *cli.Command, named []string) (*project, error) {
	start := c.String("dir")
	if len(named) > 0 && named[0] != stdinFile {
		start = filepath.Dir(named[0])
	}
	root, err := projectRoot(start)
	if err != nil {
		return nil, err
	}
	p := &project{root: root, named: len(named) > 0}
	if p.files, err = os.OpenRoot(root); err != nil { // open until the command ends
		return nil, usageErr{err}
	}
	if !p.named {
		return p, p.readDefault()
	}
	for _, name := range named {
		text, path := []byte(nil), "stdin"
		if name == stdinFile {
			text, err = io.ReadAll(io.LimitReader(c.Root().Reader, tree.MaxBytes+1))
		} else {
			path = filepath.ToSlash(name)
			text, err = readNamed(name)
		}
		if err != nil {
			return nil, usageErr{err}
		}
		p.sources = append(p.sources, source{Path: path, Text: text})
	}
	return p, nil
}

// projectRoot is the nearest folder above that is the top of a checkout, else
// the nearest that has a config, else the folder itself.
func projectRoot(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for _, marks := range [][]string{{".git"}, {".popsicle", ".circleci"}} {
		for at := dir; ; at = filepath.Dir(at) {
			if slices.ContainsFunc(marks, func(mark string) bool { return exists(filepath.Join(at, mark)) }) {
				return at, nil
			}
			if at == filepath.Dir(at) {
				break
			}
		}
	}
	return dir, nil
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// readNamed reads a file, or what a pipe of the shell gives: <(…). What is too
// large to be a config is not read to its end: the compiler says so.
func readNamed(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a folder: name a file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, tree.MaxBytes+1))
}

// readRegular reads a file that nobody named, which must not be a pipe: its
// writer may never come.
func readRegular(name string) ([]byte, error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, usage("%s is no file", name)
	}
	return readNamed(name)
}

// fromTop names a file that was named on the command line as other programs
// want it: from the top of the project, where it is in it.
func (p *project) fromTop(name string) string {
	if !p.named || !slices.ContainsFunc(p.sources, func(s source) bool { return s.Path == name }) {
		return name // it is named so already
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return name
	}
	rel, err := filepath.Rel(p.root, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return name
	}
	return filepath.ToSlash(rel)
}

// readDefault reads .popsicle/*.yml, or where there are none
// .circleci/config.yml.
func (p *project) readDefault() error {
	names := p.defaults()
	for _, name := range names {
		text, err := readRegular(filepath.Join(p.root, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			return usage("%s has neither .popsicle/*.yml nor .circleci/config.yml: write one, or name a file", p.root)
		}
		if err != nil {
			return err
		}
		p.sources = append(p.sources, source{Path: name, Text: text})
	}
	return nil
}

func (p *project) defaults() []string {
	var names []string
	entries, _ := os.ReadDir(filepath.Join(p.root, ".popsicle")) // one that cannot be read holds none
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".yml" || ext == ".yaml") {
			names = append(names, ".popsicle/"+e.Name())
		}
	}
	if len(names) == 0 {
		return []string{".circleci/config.yml"}
	}
	return names
}

// only refuses several files, for a command that takes one.
func (p *project) only() error {
	if len(p.sources) == 1 {
		return nil
	}
	var names []string
	for _, s := range p.sources {
		names = append(names, s.Path)
	}
	return usage("name one of the files: %s", strings.Join(names, ", "))
}

// library is where the project's orbs are.
func (p *project) library() orb.Library {
	return orb.Library{FS: p.files.FS(), Vendored: vendored}
}

// options are what the files are compiled with, as the flags of compileFlags
// and the checkout say it.
func (p *project) options(ctx context.Context, c *cli.Command) (config.Options, error) {
	o := config.Options{Branch: c.String("branch"), Tag: c.String("tag"), Scheduled: c.String("schedule"), RelaxOrbs: c.Bool("relax-orbs")}
	if o.Branch != "" && o.Tag != "" {
		return o, usage("--branch and --tag exclude each other: a pipeline runs on one ref")
	}
	head := p.head(ctx)
	if o.Branch == "" && o.Tag == "" {
		o.Branch = head.Branch
	}
	o.Values = pipelineValues(head, 1, o.Branch, o.Tag)
	given, err := assignments("--value", "a pipeline value", c.StringSlice("value"))
	if err != nil {
		return o, err
	}
	for name, text := range given {
		o.Values[name] = typedValue(name, text)
	}
	o.Parameters, err = parameters(c.StringSlice("param"))
	o.Orbs = p.orbs(c)
	return o, err
}

// typedValue gives a pipeline value its type: nearly all are strings.
func typedValue(name, text string) any {
	last := name[strings.LastIndex(name, ".")+1:]
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && last == "number" {
		return n
	}
	if b, err := strconv.ParseBool(text); err == nil && (last == "is_default" || last == "draft" || last == "merged") {
		return b
	}
	return text
}

// head is what git knows of the project. Where there is no git, or it refuses,
// the config is looked at as on the branch main: no mistake in it depends on that.
func (p *project) head(ctx context.Context) gitops.Head {
	other := gitops.Head{Branch: "main", DefaultBranch: "main"}
	if !exists(filepath.Join(p.root, ".git")) {
		return other
	}
	repo, err := gitops.Open(ctx, p.root)
	if err != nil {
		return other
	}
	s, err := repo.Snapshot(ctx, gitops.Source{})
	if err != nil {
		return other
	}
	return s.Head()
}

func (p *project) orbs(c *cli.Command) config.OrbSource {
	if dir := c.String("orbs"); dir != "" {
		p.orbDir = os.DirFS(dir)
		return orb.Folder{FS: p.orbDir}
	}
	if c.Bool("relax-orbs") {
		return relaxedOrbs{p.library()}
	}
	return p.library()
}

// relaxedOrbs takes any vendored version of an orb for the one that is asked for.
type relaxedOrbs struct{ orb.Library }

// Orb gives an orb in some version; one that is not there in any is an
// fs.ErrNotExist, which the compiler then looks past.
func (r relaxedOrbs) Orb(ref string) (*tree.Node, error) {
	lock, err := r.Lock()
	if err != nil {
		return nil, err
	}
	if _, exact := lock[ref]; exact {
		return r.Library.Orb(ref)
	}
	want, registered := orb.ParseRef(ref)
	if !registered && !orb.IsURL(ref) {
		return r.Library.Orb(ref)
	}
	for known := range lock {
		if have, _ := orb.ParseRef(known); registered && have.Namespace == want.Namespace && have.Name == want.Name {
			return r.Library.Orb(known)
		}
	}
	return nil, fmt.Errorf("no version of %s is vendored: %w", ref, fs.ErrNotExist)
}
