package gitops

import (
	"context"
	"fmt"
	"slices"
	"strings"

	gogit "github.com/go-git/go-git/v5"
	goconfig "github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Message brings a commit that was seen at ref, and returns its message.
func (m *Mirror) Message(ctx context.Context, ref, commit string) (string, error) {
	if err := m.Fetch(ctx, ref, commit); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	repo, err := m.open()
	if err != nil {
		return "", err
	}
	c, err := repo.CommitObject(plumbing.NewHash(commit))
	if err != nil {
		return "", fmt.Errorf("mirror %s: %w", m.Dir, err)
	}
	return c.Message, nil
}

// BranchOf returns the branch that a commit is of: the one that ends with it,
// else one that has it in its past, of several the default branch. The error is
// ErrNoCommit where no branch has it. A server gives out the commits of forks
// too, so that it has a commit proves nothing.
func (m *Mirror) BranchOf(ctx context.Context, commit string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	repo, err := m.open()
	if err != nil {
		return "", err
	}
	if err := m.fetch(ctx, repo, []goconfig.RefSpec{"+refs/heads/*:refs/remotes/origin/*"}); err != nil && !isMissing(err) {
		return "", err
	}
	m.findDefault(ctx, repo)
	tips, err := branchTips(repo)
	if err != nil {
		return "", err
	}
	for _, tip := range tips {
		if tip.commit.Hash.String() == commit {
			return tip.branch, nil
		}
	}
	c, err := repo.CommitObject(plumbing.NewHash(commit))
	for _, tip := range tips {
		if err != nil {
			break
		}
		if is, err := c.IsAncestor(tip.commit); err == nil && is {
			return tip.branch, nil
		}
	}
	return "", fmt.Errorf("%s: %w %s on any branch", m.URL, ErrNoCommit, commit)
}

// A branchTip is the newest commit of a branch.
type branchTip struct {
	branch string
	commit *object.Commit
}

// branchTips lists the branches that were fetched, the default branch first.
func branchTips(repo *gogit.Repository) (tips []branchTip, err error) {
	const remote = "refs/remotes/origin/"
	standard := ""
	if head, err := repo.Reference(remote+"HEAD", false); err == nil {
		standard = strings.TrimPrefix(head.Target().String(), remote)
	}
	refs, err := repo.References()
	if err != nil {
		return nil, err
	}
	err = refs.ForEach(func(r *plumbing.Reference) error {
		branch, ours := strings.CutPrefix(r.Name().String(), remote)
		if !ours || r.Type() != plumbing.HashReference {
			return nil
		}
		if c, err := repo.CommitObject(r.Hash()); err == nil {
			tips = append(tips, branchTip{branch, c})
		}
		return nil
	})
	slices.SortFunc(tips, func(a, b branchTip) int {
		switch {
		case a.branch == standard:
			return -1
		case b.branch == standard:
			return 1
		}
		return strings.Compare(a.branch, b.branch)
	})
	return tips, err
}
