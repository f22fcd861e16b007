// Package docs holds the pages for readers to their word.
package docs

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// top is the folder of the repository.
const top = "../.."

// A page is one file of documentation.
type page struct {
	file    string
	text    []byte
	doc     ast.Node
	anchors map[string]bool // of its headings, as GitHub makes them
}

// pages reads every page of the repository.
func pages(t *testing.T) map[string]*page {
	t.Helper()
	all := map[string]*page{}
	parser := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()
	err := filepath.WalkDir(top, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "dist" || d.Name() == "testdata" || d.Name() == ".git"):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(file) != ".md":
			return nil
		}
		content, err := os.ReadFile(file)
		p := &page{file, content, parser.Parse(text.NewReader(content)), map[string]bool{}}
		p.each(ast.KindHeading, func(n ast.Node) { p.anchors[anchor(p.plain(n))] = true })
		all[filepath.Clean(file)] = p
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d pages found", len(all))
	}
	return all
}

// each calls f with every node of a kind.
func (p *page) each(kind ast.NodeKind, f func(ast.Node)) {
	_ = ast.Walk(p.doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering && n.Kind() == kind {
			f(n)
		}
		return ast.WalkContinue, nil
	})
}

// plain is the text of a heading.
func (p *page) plain(n ast.Node) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(p.text))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// anchor is the name that GitHub gives to a heading.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, heading)
}

// TestLinks: every link and picture of every page leads to a file that is
// there, and to a heading that it has.
func TestLinks(t *testing.T) {
	all := pages(t)
	for _, p := range all {
		check := func(destination []byte) {
			if why := p.broken(all, string(destination)); why != "" {
				t.Errorf("%s: the link to %s: %s", strings.TrimPrefix(p.file, top+"/"), destination, why)
			}
		}
		p.each(ast.KindLink, func(n ast.Node) { check(n.(*ast.Link).Destination) })
		p.each(ast.KindImage, func(n ast.Node) { check(n.(*ast.Image).Destination) })
	}
}

// broken says what is wrong with a link, if something is. What leads to
// other sites is not followed.
func (p *page) broken(all map[string]*page, destination string) string {
	u, err := url.Parse(destination)
	if err != nil {
		return err.Error()
	}
	if u.Scheme != "" {
		return ""
	}
	file := filepath.Clean(p.file)
	if u.Path != "" {
		file = filepath.Join(filepath.Dir(p.file), u.Path)
	}
	if _, err := os.Stat(file); err != nil {
		return "there is no such file"
	}
	if to := all[file]; u.Fragment != "" && to != nil && !to.anchors[u.Fragment] {
		return "there is no such heading"
	}
	return ""
}

// TestReached: whoever begins at the README finds every page of docs.
func TestReached(t *testing.T) {
	all := pages(t)
	seen := map[string]bool{}
	todo := []string{filepath.Join(top, "README.md")}
	for len(todo) > 0 {
		p := all[todo[0]]
		todo = todo[1:]
		if p == nil || seen[p.file] {
			continue
		}
		seen[p.file] = true
		p.each(ast.KindLink, func(n ast.Node) {
			if u, err := url.Parse(string(n.(*ast.Link).Destination)); err == nil && u.Scheme == "" && u.Path != "" {
				to := filepath.Join(filepath.Dir(p.file), u.Path)
				if info, err := os.Stat(to); err == nil && info.IsDir() {
					to = filepath.Join(to, "README.md")
				}
				todo = append(todo, to)
			}
		})
	}
	for file, p := range all {
		if strings.HasPrefix(file, filepath.Join(top, "docs")) && !seen[p.file] {
			t.Errorf("%s: no link leads here from the README", strings.TrimPrefix(file, top+"/"))
		}
	}
}
