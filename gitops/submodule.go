package gitops

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// addSubmodules adds the files of every submodule that is checked out, and
// names in nodes what is tested of it.
func (t *Tree) addSubmodules(ctx context.Context, nodes []node) error {
	var more []File
	for i := range nodes {
		if nodes[i].mode != Submodule {
			continue
		}
		sub, err := t.snapshot.submodule(ctx, nodes[i])
		if err != nil {
			return fmt.Errorf("submodule %q: %w", nodes[i].path, err)
		}
		if sub != nil {
			more = append(more, t.adopt(sub, &nodes[i])...)
			t.Files[i].Blob = nodes[i].blob
		}
	}
	if len(more) > 0 {
		t.Files = append(t.Files, more...)
		slices.SortFunc(t.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	}
	return nil
}

// submodule is the tree of the submodule at n, nil where it is not checked
// out or has not the commit: then it is an empty folder, as in a plain clone.
func (s *Snapshot) submodule(ctx context.Context, n node) (*Tree, error) {
	dir := filepath.Join(s.repo.Root, filepath.FromSlash(n.path))
	if git := lstat(filepath.Join(dir, ".git")); !git.found {
		return nil, nil
	}
	repo, err := Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	if repo.Root != dir { // its .git is none, or a link leads away
		return nil, nil
	}
	source := Source{Kind: Worktree}
	if s.source.Kind != Worktree {
		source = Source{Kind: Commit, Rev: n.blob}
	}
	sub, err := repo.Snapshot(ctx, source)
	if errors.Is(err, ErrNoCommit) || err == nil && sub.head.Commit == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return sub.Tree(ctx)
}

// adopt takes over the files of a submodule. Its node is the commit it is at,
// as git would record it, or, where it is not just that commit, its tree.
func (t *Tree) adopt(sub *Tree, n *node) []File {
	n.blob = sub.Commit
	if !sub.EqualsCommit {
		n.mode, n.blob = folder, sub.Hash
	}
	prefix, first := n.path+"/", len(t.contents)
	for _, c := range sub.contents {
		t.contents = append(t.contents, c.under(prefix))
	}
	for i := range sub.Files {
		sub.Files[i].Path = prefix + sub.Files[i].Path
		sub.Files[i].part += first
	}
	for _, dir := range sub.Nested {
		t.Nested = append(t.Nested, prefix+dir)
	}
	return sub.Files
}
