// Package gitops knows git: it says what will be tested (a Snapshot of the
// working tree, the index or a commit, and the Tree of its files), and writes
// it as streams for a container, without a copy on the host.
//
// The user's repository is only read: no object, no ref and no index is
// written into it. The git command line is the judge of what a working tree
// is (ignored files, attributes, sparse checkouts, linked worktrees, SHA-256);
// what can be read faster and just as surely is read here.
package gitops

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrNotRepository is what Open returns, wrapped, for a folder that is in no
// git checkout.
var ErrNotRepository = errors.New("not a git checkout: run `git init` here, or go to a folder of a checkout")

// A Repo is a checkout: a working tree and the repository behind it.
type Repo struct {
	Root      string // top of the working tree, absolute
	GitDir    string // its own git directory, absolute: HEAD and index
	CommonDir string // the repository's directory, absolute: refs, objects, config; GitDir but in a linked worktree

	format format // of object names
}

// Open finds the checkout that holds dir. Linked worktrees, submodules that
// are checked out and repositories without a commit are checkouts too.
// Errors: ErrNotRepository, and git's own refusals (a bare repository, a
// checkout that belongs to somebody else).
func Open(ctx context.Context, dir string) (*Repo, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(abs); err != nil {
		return nil, err
	}
	out, err := git(abs, "rev-parse", "--show-object-format", "--is-inside-work-tree",
		"--absolute-git-dir", "--git-common-dir", "--show-toplevel").output(ctx)
	if err != nil {
		return nil, openError(abs, err)
	}
	return parseRepo(abs, string(out))
}

// openError says what a failed look for a checkout means.
func openError(dir string, err error) error {
	var refused *gitError
	if !errors.As(err, &refused) {
		return err
	}
	switch {
	case strings.Contains(refused.stderr, "not a git repository"):
		return fmt.Errorf("%s: %w", dir, ErrNotRepository)
	case strings.Contains(refused.stderr, "must be run in a work tree"):
		return fmt.Errorf("%s is a repository without working files, %w", dir, ErrNotRepository)
	}
	return fmt.Errorf("%s: %w", dir, err)
}

// parseRepo reads the lines of `git rev-parse`. The folder of a checkout may
// itself hold line ends, so the last answer takes the rest.
func parseRepo(dir, out string) (*Repo, error) {
	lines := strings.SplitN(strings.TrimSuffix(out, "\n"), "\n", 5)
	if len(lines) < 5 || lines[1] != "true" {
		return nil, fmt.Errorf("%s: %w", dir, ErrNotRepository)
	}
	format, err := formatNamed(lines[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	common := lines[3]
	if !filepath.IsAbs(common) {
		common = filepath.Join(dir, common)
	}
	return &Repo{Root: lines[4], GitDir: lines[2], CommonDir: common, format: format}, nil
}
