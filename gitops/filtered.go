package gitops

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// filteredContents reads files from git's objects as a checkout would write
// them: with the line ends, keywords and filters that the tree's own
// .gitattributes ask for. What only this user has set is left out: it would
// not hold in a fresh clone.
type filteredContents struct {
	repo       *Repo
	attributes map[string][]byte // the .gitattributes files, by path
}

// attributeWords are what an attribute must contain to change contents on
// their way out of git.
var attributeWords = []string{"eol", "ident", "filter", "working-tree-encoding", "crlf"}

// blobContents are the contents of nodes, filtered if attributes ask for it.
func (r *Repo) blobContents(ctx context.Context, nodes []node) (contents, error) {
	var files []File
	for _, n := range nodes {
		if path.Base(n.path) == ".gitattributes" && n.mode != Submodule && n.mode != Symlink {
			files = append(files, File{Path: n.path, Mode: n.mode, Blob: n.blob})
		}
	}
	raw := blobContents{repo: r}
	if len(files) == 0 {
		return raw, nil
	}
	attributes, err := raw.readAll(ctx, files)
	if err != nil || !mentions(attributes, attributeWords) {
		return raw, err
	}
	return filteredContents{repo: r, attributes: attributes}, nil
}

// readAll reads a few small files.
func (c blobContents) readAll(ctx context.Context, files []File) (map[string][]byte, error) {
	r, err := c.open(ctx, files)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	texts := map[string][]byte{}
	for i := range files {
		one, err := r.next(&files[i])
		if err != nil {
			return nil, err
		}
		if texts[files[i].Path], err = io.ReadAll(one.body); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

func mentions(texts map[string][]byte, words []string) bool {
	for _, text := range texts {
		for _, word := range words {
			if bytes.Contains(text, []byte(word)) {
				return true
			}
		}
	}
	return false
}

func (c filteredContents) under(string) contents { return c }

func (c filteredContents) open(ctx context.Context, files []File) (contentReader, error) {
	dir, err := os.MkdirTemp("", "popsicle-attributes-")
	if err != nil {
		return nil, err
	}
	r := &filteredReader{repo: c.repo, dir: dir, mark: rand.Text()}
	if err := c.start(ctx, r, files); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return r, nil
}

// start lays the attributes where git looks for them, in a working tree that
// holds nothing else, and asks for all files. The size that git says is that
// before filtering, so between two files it is asked for an object that
// cannot be: its answer marks the end.
func (c filteredContents) start(ctx context.Context, r *filteredReader, files []File) error {
	for name, text := range c.attributes {
		file := filepath.Join(r.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return err
		}
	}
	var names strings.Builder
	var links []File
	for i := range files {
		if files[i].Mode == Symlink {
			links = append(links, files[i])
			continue
		}
		names.WriteString(files[i].Blob + " " + strings.ReplaceAll(files[i].Path, "\n", "?") + "\n" + r.mark + "\n")
	}
	g := git(r.dir, "-c", "core.attributesFile=/dev/null", "-c", "core.autocrlf=false", "-c", "core.eol=lf",
		"cat-file", "--buffer", "--batch=%(objectsize)", "--filters")
	g.env = []string{"GIT_DIR=" + c.repo.GitDir, "GIT_WORK_TREE=" + r.dir, "GIT_ATTR_NOSYSTEM=1"}
	g.stdin = strings.NewReader(names.String())
	var err error
	if r.links, err = (blobContents{repo: c.repo}).open(ctx, links); err != nil {
		return err
	}
	if r.pipe, err = startPipe(ctx, g); err != nil {
		return errors.Join(err, r.links.Close())
	}
	return nil
}

// A filteredReader reads filtered files, one in memory at a time, as git's
// filters hold them too. Links are never filtered and come from beside.
type filteredReader struct {
	*pipe
	repo  *Repo
	links contentReader
	dir   string
	mark  string
}

func (r *filteredReader) next(f *File) (*content, error) {
	if f.Mode == Symlink {
		return r.links.next(f)
	}
	if _, err := r.size(r.repo, f); err != nil {
		return nil, err
	}
	end := []byte(r.mark + " missing\n")
	var data []byte
	for {
		line, err := r.out.ReadBytes('\n')
		if err != nil {
			return nil, r.broken(err)
		}
		if bytes.Equal(line, end) {
			break
		}
		data = append(data, line...)
	}
	data = bytes.TrimSuffix(data, []byte("\n"))
	return &content{size: int64(len(data)), modTime: f.ModTime, body: bytes.NewReader(data), settled: always}, nil
}

func (r *filteredReader) Close() error {
	return errors.Join(r.pipe.Close(), r.links.Close(), os.RemoveAll(r.dir))
}
