package gitops

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A Head is the commit a snapshot stands on, and what is known about it.
// Fields are empty where there is nothing: before the first commit there is
// only a branch, and without a remote no URL.
type Head struct {
	Commit  string // full object name
	Branch  string // empty on a detached HEAD
	Tag     string // the tag that is checked out, or asked for by Source.Rev
	Subject string
	Body    string
	Author  string
	Email   string    // of the author
	Time    time.Time // of the commit, by its committer

	RemoteURL     string // without credentials
	Host          string // "github.com"
	Slug          string // "owner/name"
	DefaultBranch string // of the remote, as this clone remembers it; else main or master, when on it

	tree string // the commit's tree object
}

// commitFormat asks `git rev-list` for what parseCommit reads.
const commitFormat = "%H%x00%T%x00%ct%x00%an%x00%ae%x00%s%x00%b%x00"

// readCommit asks git about one commit, by full name or HEAD.
func (r *Repo) readCommit(ctx context.Context, rev string) (Head, error) {
	out, err := git(r.Root, "rev-list", "--max-count=1", "--format="+commitFormat, "--end-of-options", rev, "--").output(ctx)
	if err != nil {
		return Head{}, err
	}
	return parseCommit(string(out))
}

// parseCommit reads the one record that commitFormat gives, after a line that
// only names the commit.
func parseCommit(out string) (Head, error) {
	_, record, _ := strings.Cut(out, "\n")
	f := strings.Split(record, "\x00")
	if len(f) != 8 {
		return Head{}, fmt.Errorf("git rev-list: cannot read %q", out)
	}
	seconds, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return Head{}, fmt.Errorf("git rev-list: %w", err)
	}
	return Head{Commit: f[0], tree: f[1], Time: time.Unix(seconds, 0), Author: f[3], Email: f[4],
		Subject: f[5], Body: strings.TrimSpace(f[6])}, nil
}

// checkedOut reads the commit, branch and tag that are checked out.
func (r *Repo) checkedOut(ctx context.Context) (Head, error) {
	branch, err := r.branch(ctx)
	if err != nil {
		return Head{}, err
	}
	h, err := r.readCommit(ctx, "HEAD")
	if err != nil && branch != "" && r.isUnborn(ctx) {
		return Head{Branch: branch}, nil
	}
	if err != nil {
		return Head{}, fmt.Errorf("%s: %w", r.Root, err)
	}
	h.Branch = branch
	if branch == "" {
		h.Tag, err = r.tagAt(ctx, h.Commit)
	}
	return h, err
}

// branch is the checked-out branch, "" where HEAD is detached.
func (r *Repo) branch(ctx context.Context) (string, error) {
	return r.symbolic(ctx, filepath.Join(r.GitDir, "HEAD"), "HEAD", "refs/heads/")
}

// symbolic reads the target of a symbolic ref from its file, which costs no
// process; where refs are not files (reftable), git is asked. It is "" when
// the ref is not there, not symbolic, or leads outside prefix.
func (r *Repo) symbolic(ctx context.Context, file, ref, prefix string) (string, error) {
	data, err := os.ReadFile(file)
	target, isLink := strings.CutPrefix(strings.TrimSpace(string(data)), "ref: ")
	if err == nil && !isLink {
		return "", nil
	}
	if target == "refs/heads/.invalid" || r.hasReftable() {
		out, err := git(r.Root, "symbolic-ref", "-q", ref).output(ctx)
		var refused *gitError
		if err != nil && !errors.As(err, &refused) {
			return "", err
		}
		target = strings.TrimSpace(string(out))
	}
	if name, ok := strings.CutPrefix(target, prefix); ok {
		return name, nil
	}
	return "", nil
}

func (r *Repo) hasReftable() bool {
	_, err := os.Stat(filepath.Join(r.CommonDir, "reftable"))
	return err == nil
}

// isUnborn tells whether HEAD names a branch that has no commit yet, and not
// a commit that cannot be read.
func (r *Repo) isUnborn(ctx context.Context) bool {
	_, err := git(r.Root, "rev-parse", "--verify", "-q", "HEAD").output(ctx)
	return err != nil
}

// tagAt is the tag on exactly that commit; of several the one with the
// highest version.
func (r *Repo) tagAt(ctx context.Context, commit string) (string, error) {
	out, err := git(r.Root, "for-each-ref", "--points-at="+commit, "--sort=-version:refname", "--count=1",
		"--format=%(refname)", "refs/tags/").output(ctx)
	if err != nil {
		return "", err
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "refs/tags/"), nil
}

// ErrNoCommit is for a name that is no commit of this repository.
var ErrNoCommit = errors.New("there is no commit")

// asked reads the commit that rev names. Its branch is the one rev is made
// from: main of "main~2", the checked-out one of "HEAD^", none of a hash.
func (r *Repo) asked(ctx context.Context, rev string) (Head, error) {
	if rev == "" || strings.HasPrefix(rev, "-") {
		return Head{}, fmt.Errorf("%q is not the name of a commit", rev)
	}
	// First without ^{commit}: in ":/text" it would be part of the text.
	var h Head
	out, err := git(r.Root, "rev-parse", "--verify", "-q", "--end-of-options", rev).output(ctx)
	if err == nil {
		h, err = r.readCommit(ctx, strings.TrimSpace(string(out))+"^{commit}")
	}
	var refused *gitError
	if errors.As(err, &refused) {
		return Head{}, fmt.Errorf("%s: %w %q: `git log` shows those there are, `git fetch` may bring it", r.Root, ErrNoCommit, rev)
	}
	if err != nil {
		return Head{}, err
	}
	h.Branch, h.Tag, err = r.refOf(ctx, rev)
	return h, err
}

// refOf is the branch or the tag that rev starts from.
func (r *Repo) refOf(ctx context.Context, rev string) (branch, tag string, err error) {
	base := rev
	for _, operator := range []string{"~", "^", "@{", ":"} {
		base, _, _ = strings.Cut(base, operator)
	}
	if base == "" {
		return "", "", nil
	}
	out, err := git(r.Root, "rev-parse", "-q", "--symbolic-full-name", "--verify", "--end-of-options", base).output(ctx)
	var refused *gitError
	if err != nil && !errors.As(err, &refused) {
		return "", "", err
	}
	ref := strings.TrimSpace(string(out))
	if name, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
		return name, "", nil
	}
	if name, ok := strings.CutPrefix(ref, "refs/tags/"); ok && base == rev {
		return "", name, nil
	}
	if remote, ok := strings.CutPrefix(ref, "refs/remotes/"); ok {
		_, name, _ := strings.Cut(remote, "/")
		return name, "", nil
	}
	return "", "", nil
}
