package gitops

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// loadIndex reads an index of any shape: what only git can read, git first
// writes anew, plainly, into a temporary place.
func (r *Repo) loadIndex(ctx context.Context, path string) (*index, error) {
	x, err := readIndex(path, r.format)
	if err == nil || !errors.Is(err, errIndex) {
		return x, err
	}
	dir, err := os.MkdirTemp("", "popsicle-index-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	plain, err := r.plainIndex(ctx, path, dir)
	if err != nil {
		return nil, err
	}
	y, err := readIndex(plain, r.format)
	if err != nil {
		return nil, err
	}
	// The plain copy is younger; what was racy in the original still is.
	if info, err := os.Stat(path); err == nil {
		y.written = info.ModTime()
	}
	return y, nil
}

// plainIndex copies the index at path into dir and has git unfold it there.
func (r *Repo) plainIndex(ctx context.Context, path, dir string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	plain := filepath.Join(dir, "index")
	if err := os.WriteFile(plain, data, 0o600); err != nil {
		return "", err
	}
	c := git(r.Root, "-c", "index.version=2", "-c", "core.splitIndex=false", "-c", "index.sparse=false",
		"update-index", "--no-split-index", "--force-write-index")
	c.env = []string{"GIT_INDEX_FILE=" + plain}
	_, err = c.output(ctx)
	return plain, err
}

// commitNodes lists the files of HEAD's commit. Mostly the index holds the
// very same, and git need not be asked.
func (s *Snapshot) commitNodes(ctx context.Context, x *index) ([]node, error) {
	if s.head.Commit == "" {
		return nil, nil
	}
	if x.conflict() == "" {
		nodes := x.nodes()
		if name, err := s.repo.format.tree(nodes); err == nil && name == s.head.tree {
			return nodes, nil
		}
	}
	return s.repo.listTree(ctx, s.head.Commit)
}

// listTree lists the files of a commit.
func (r *Repo) listTree(ctx context.Context, commit string) ([]node, error) {
	out, err := git(r.Root, "ls-tree", "-r", "-z", "--full-tree", commit).output(ctx)
	if err != nil {
		return nil, err
	}
	return parseTree(out, r.format)
}

// listIndex lists what is staged.
func (s *Snapshot) listIndex(ctx context.Context) (*listing, error) {
	x, err := s.repo.loadIndex(ctx, s.repo.indexPath(s.source))
	if err != nil {
		return nil, err
	}
	if path := x.conflict(); path != "" {
		return nil, fmt.Errorf("%q is in conflict: resolve it with `git add`, or test the working tree as it is", path)
	}
	nodes := x.nodes()
	commit, err := s.commitNodes(ctx, x)
	if err != nil {
		return nil, err
	}
	return s.listNodes(ctx, nodes, commit)
}

// listCommit lists the files of the commit that was asked for.
func (s *Snapshot) listCommit(ctx context.Context) (*listing, error) {
	nodes, err := s.repo.listTree(ctx, s.head.Commit)
	if err != nil {
		return nil, err
	}
	return s.listNodes(ctx, nodes, nodes)
}

// listNodes makes files of what git has as objects. They have no mtimes of
// their own; the commit's is the same on every run.
func (s *Snapshot) listNodes(ctx context.Context, nodes, commit []node) (*listing, error) {
	sizes, err := s.repo.sizes(ctx, nodes)
	if err != nil {
		return nil, err
	}
	files := make([]File, len(nodes))
	for i, n := range nodes {
		files[i] = File{Path: n.path, Mode: n.mode, Blob: n.blob, Size: sizes[i], ModTime: s.head.Time}
	}
	contents, err := s.repo.blobContents(ctx, nodes)
	return &listing{files: files, commit: commit, contents: contents}, err
}

// sizes asks git how large the blobs are; a submodule has none.
func (r *Repo) sizes(ctx context.Context, nodes []node) ([]int64, error) {
	var names strings.Builder
	for _, n := range nodes {
		if n.mode != Submodule {
			names.WriteString(n.blob + "\n")
		}
	}
	c := git(r.Root, "cat-file", "--buffer", "--batch-check=%(objectsize)")
	c.stdin = strings.NewReader(names.String())
	out, err := c.output(ctx)
	if err != nil {
		return nil, err
	}
	sizes, rest, line := make([]int64, len(nodes)), string(out), ""
	for i, n := range nodes {
		if n.mode == Submodule {
			continue
		}
		line, rest, _ = strings.Cut(rest, "\n")
		if sizes[i], err = strconv.ParseInt(line, 10, 64); err != nil {
			return nil, r.missing(n)
		}
	}
	return sizes, nil
}

// missing says that git has no content for n.
func (r *Repo) missing(n node) error {
	return fmt.Errorf("the content of %q (%s) is not in this repository", n.path, n.blob)
}
