package orb

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/hashicorp/go-multierror"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// maxFiles is how many files an unpacked orb may have.
const maxFiles = 2000

// Read reads an orb from a file, or packs an unpacked one from its folder, the
// one that holds @orb.yml. Every value keeps the file and line it came from;
// written as a document, a packed orb is what can be published.
func Read(fsys fs.FS, name string) (*tree.Node, error) {
	return (&packer{fsys: fsys, root: name}).orb()
}

func (p *packer) orb() (*tree.Node, error) {
	fsys, name := p.fsys, p.root
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return read(fsys, name)
	}
	if _, err := fs.Stat(fsys, path.Join(name, "@orb.yml")); err != nil {
		return nil, fmt.Errorf("an unpacked orb has an @orb.yml: %w", err)
	}
	return p.folder(name)
}

func read(fsys fs.FS, name string) (*tree.Node, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	return parse(name, text)
}

// parse reads one document. The error is a *multierror.Error of *tree.Error.
func parse(name string, text []byte) (*tree.Node, error) {
	n, errs := tree.Read(name, text)
	if len(errs) == 0 {
		return n, nil
	}
	var all *multierror.Error
	for _, e := range errs {
		all = multierror.Append(all, e)
	}
	return nil, all
}

// A packer joins the files of an unpacked orb: a file is the value of the key
// that it is named by, a folder a map of its files, and @name.yml is merged
// into the folder it stands in.
type packer struct {
	fsys  fs.FS
	root  string
	files int
	lax   bool // included files may be missing
}

func (p *packer) folder(name string) (*tree.Node, error) {
	entries, err := fs.ReadDir(p.fsys, name)
	if err != nil {
		return nil, err
	}
	out := &tree.Node{Kind: tree.Map, File: name}
	for _, e := range entries {
		key, v, err := p.entry(name, e)
		switch {
		case err != nil:
			return nil, err
		case v == nil:
		case strings.HasPrefix(key, "@"):
			if !v.Is(tree.Map) {
				return nil, fmt.Errorf("%s: it must be a map", path.Join(name, e.Name()))
			}
			out.Pairs = append(out.Pairs, v.Pairs...)
			out.Line, out.Column, out.File = v.Line, v.Column, v.File
		default:
			out.Pairs = append(out.Pairs, tree.Pair{Key: v.Str(key), Value: v})
		}
	}
	for _, pair := range out.Pairs {
		out.Templated = out.Templated || pair.Value.Templated
	}
	return out, nil
}

// entry reads one file or folder; nil for what is no part of the orb.
func (p *packer) entry(folder string, e fs.DirEntry) (string, *tree.Node, error) {
	name := path.Join(folder, e.Name())
	if e.IsDir() {
		if folder == p.root && !p.isSection(e.Name()) {
			return "", nil, nil
		}
		v, err := p.folder(name)
		if err != nil || len(v.Pairs) == 0 {
			return "", nil, err
		}
		return e.Name(), v, nil
	}
	extension := path.Ext(name)
	if extension != ".yml" && extension != ".yaml" {
		return "", nil, nil
	}
	if p.files++; p.files > maxFiles {
		return "", nil, fmt.Errorf("the orb %s has more than %d files", p.root, maxFiles)
	}
	v, err := read(p.fsys, name)
	if err != nil || v == nil {
		return "", nil, err
	}
	v, err = p.include(v)
	return strings.TrimSuffix(e.Name(), extension), v, err
}

// isSection tells the folders that hold elements of the orb from others, such
// as those of scripts.
func (p *packer) isSection(name string) bool {
	switch name {
	case "commands", "jobs", "executors", "orbs", "examples":
		return true
	}
	return false
}

// include replaces << include(file) >> by the text of the file.
func (p *packer) include(n *tree.Node) (*tree.Node, error) {
	if !n.Templated {
		return n, nil
	}
	out := *n
	out.Items, out.Pairs = nil, nil
	for _, item := range n.Items {
		v, err := p.include(item)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, v)
	}
	for _, pair := range n.Pairs {
		v, err := p.include(pair.Value)
		if err != nil {
			return nil, err
		}
		out.Pairs = append(out.Pairs, tree.Pair{Key: pair.Key, Value: v})
	}
	if n.Kind == tree.String && strings.Contains(n.Text, "include(") {
		return p.text(n)
	}
	return &out, nil
}

// text replaces every << include(file) >> in a string.
func (p *packer) text(n *tree.Node) (*tree.Node, error) {
	var b strings.Builder
	rest := n.Text
	for {
		before, tag, after, ok := directive(rest)
		b.WriteString(before)
		if !ok {
			break
		}
		text, err := p.file(n, tag)
		if err != nil {
			return nil, err
		}
		b.WriteString(text)
		rest = after
	}
	v := n.Str(b.String())
	v.Quoted = true
	v.Templated = strings.Contains(v.Text, "<<")
	return v, nil
}

// directive finds the first << include(file) >>. Without one, all is before it.
func directive(s string) (before, name, after string, ok bool) {
	for from := 0; ; {
		i := strings.Index(s[from:], "<<")
		if i < 0 {
			return s, "", "", false
		}
		open := from + i
		call, isCall := strings.CutPrefix(strings.TrimLeft(s[open+2:], " \t"), "include(")
		name, rest, closed := strings.Cut(call, ")")
		rest, ended := strings.CutPrefix(strings.TrimLeft(rest, " \t"), ">>")
		if isCall && closed && ended {
			return s[:open], strings.TrimSpace(name), rest, true
		}
		from = open + 2
	}
}

// file is the text of an included file, in which << is escaped: scripts get
// their values from environment variables, not from templates.
func (p *packer) file(n *tree.Node, name string) (string, error) {
	text, err := fs.ReadFile(p.fsys, path.Join(p.root, name))
	switch {
	case errors.Is(err, fs.ErrNotExist) && p.lax:
		return fmt.Sprintf("echo '%s is not here'; exit 1\n", name), nil
	case errors.Is(err, fs.ErrNotExist):
		return "", &tree.Error{Pos: n.Pos(), Message: fmt.Sprintf("the included file %s does not exist", name), Hint: "the path is relative to the folder of @orb.yml"}
	case err != nil:
		return "", err
	}
	return strings.ReplaceAll(string(text), "<<", `\<<`), nil
}
