package gitops

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	gogit "github.com/go-git/go-git/v5"
	goconfig "github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// A Mirror is a repository that is fetched from elsewhere and kept, so that
// each fetch brings only what is new. It is a checkout whose files are never
// written: Open and Snapshot read commits from it as from any other. Fetches
// of one Mirror wait for each other; what was fetched may be read meanwhile,
// for nothing is ever removed.
type Mirror struct {
	Dir      string // of the checkout, absolute; made by the first fetch
	URL      string // https, ssh, or http to this machine; without a password
	Login    Login
	MaxBytes int64 // most that may be kept on the disk; 0: no limit

	depth int // of submodules above
	mu    sync.Mutex
}

// ErrTooLarge is wrapped by the error about a repository beyond MaxBytes.
var ErrTooLarge = errors.New("the repository is too large")

// Fetch brings a commit, and with it the branches of the repository. ref is
// where it was seen last: refs/heads/…, refs/tags/… or refs/pull/…. A ref that
// has moved on meanwhile is no mistake as long as the server still gives the
// commit; else the error is ErrNoCommit. A commit that is here costs nothing.
func (m *Mirror) Fetch(ctx context.Context, ref, commit string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	repo, err := m.open()
	if err != nil {
		return err
	}
	if have(repo, commit) {
		return m.submodules(ctx, repo, commit)
	}
	specs := []goconfig.RefSpec{"+refs/heads/*:refs/remotes/origin/*"}
	if !strings.HasPrefix(ref, "refs/heads/") && ref != "" {
		specs = append(specs, goconfig.RefSpec("+"+ref+":"+ref))
	}
	err = m.fetch(ctx, repo, specs)
	if !have(repo, commit) && (err == nil || isMissing(err)) {
		// Moved on by force, or its branch is gone: most servers still give it.
		err = m.fetch(ctx, repo, []goconfig.RefSpec{goconfig.RefSpec(commit + ":refs/popsicle/" + commit)})
	}
	switch {
	case have(repo, commit):
		m.findDefault(ctx, repo)
		return m.submodules(ctx, repo, commit)
	case err == nil || isMissing(err):
		return fmt.Errorf("%s: %w %s any more: its branch was changed by force, or removed", m.URL, ErrNoCommit, commit)
	}
	return err
}

// open opens the mirror, and makes it where it is not there.
func (m *Mirror) open() (*gogit.Repository, error) {
	if err := ValidURL(m.URL); err != nil {
		return nil, err
	}
	repo, err := gogit.PlainOpen(m.Dir)
	if errors.Is(err, gogit.ErrRepositoryNotExists) {
		if err := os.MkdirAll(filepath.Dir(m.Dir), 0o700); err != nil {
			return nil, err
		}
		repo, err = gogit.PlainInit(m.Dir, false)
	}
	if err != nil {
		return nil, fmt.Errorf("mirror %s: %w; remove the folder to fetch it anew", m.Dir, err)
	}
	c, err := repo.Config()
	if err != nil {
		return nil, fmt.Errorf("mirror %s: %w", m.Dir, err)
	}
	if r := c.Remotes["origin"]; r != nil && len(r.URLs) == 1 && r.URLs[0] == m.URL {
		return repo, nil
	}
	c.Remotes["origin"] = &goconfig.RemoteConfig{Name: "origin", URLs: []string{m.URL}, Fetch: []goconfig.RefSpec{"+refs/heads/*:refs/remotes/origin/*"}}
	return repo, repo.SetConfig(c)
}

func have(repo *gogit.Repository, commit string) bool {
	_, err := repo.CommitObject(plumbing.NewHash(commit))
	return err == nil
}

// isMissing says that the server has not what was asked for.
func isMissing(err error) bool {
	var none gogit.NoMatchingRefSpecError
	return errors.As(err, &none) || errors.Is(err, transport.ErrEmptyRemoteRepository) || errors.Is(err, gogit.ErrExactSHA1NotSupported) ||
		err != nil && strings.Contains(err.Error(), "not our ref")
}

// fetch asks the server for refs.
func (m *Mirror) fetch(ctx context.Context, repo *gogit.Repository, specs []goconfig.RefSpec) error {
	auth, err := m.Login.auth(ctx, m.URL)
	if err != nil {
		return err
	}
	ctx, stop := m.guard(ctx)
	defer stop()
	err = repo.FetchContext(ctx, &gogit.FetchOptions{RemoteName: "origin", RefSpecs: specs, Auth: auth, Force: true})
	switch cause := context.Cause(ctx); {
	case errors.Is(err, gogit.NoErrAlreadyUpToDate):
		return nil
	case err != nil && cause != nil:
		return fmt.Errorf("fetch of %s: %w", m.URL, cause)
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed), errors.Is(err, transport.ErrRepositoryNotFound):
		return fmt.Errorf("fetch of %s: %w: it is not there, or the daemon may not read it: `gh auth login && gh auth setup-git`, or set GH_TOKEN", m.URL, err)
	case err != nil:
		return fmt.Errorf("fetch of %s: %w", m.URL, err)
	}
	return nil
}

// findDefault notes the default branch of the repository, once.
func (m *Mirror) findDefault(ctx context.Context, repo *gogit.Repository) {
	const name = plumbing.ReferenceName("refs/remotes/origin/HEAD")
	if _, err := repo.Reference(name, false); err == nil {
		return
	}
	_, branch, err := m.list(ctx, repo)
	if err == nil && branch != "" { // else it is asked again next time
		_ = repo.Storer.SetReference(plumbing.NewSymbolicReference(name, plumbing.ReferenceName("refs/remotes/origin/"+branch)))
	}
}

// Refs asks the server for its branches and tags, each with its commit (an
// annotated tag with the commit that it names), and for its default branch.
func (m *Mirror) Refs(ctx context.Context) (refs map[string]string, branch string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	repo, err := m.open()
	if err != nil {
		return nil, "", err
	}
	return m.list(ctx, repo)
}

func (m *Mirror) list(ctx context.Context, repo *gogit.Repository) (refs map[string]string, branch string, err error) {
	auth, err := m.Login.auth(ctx, m.URL)
	if err != nil {
		return nil, "", err
	}
	remote, err := repo.Remote("origin")
	if err != nil {
		return nil, "", err
	}
	all, err := remote.ListContext(ctx, &gogit.ListOptions{Auth: auth, PeelingOption: gogit.AppendPeeled})
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("refs of %s: %w", m.URL, err)
	}
	refs = map[string]string{}
	for _, r := range all {
		name := r.Name().String()
		switch {
		case r.Name() == plumbing.HEAD && r.Type() == plumbing.SymbolicReference:
			branch = r.Target().Short()
		case r.Name().IsBranch(), r.Name().IsTag():
			base, peeled := strings.CutSuffix(name, "^{}")
			if refs[base] == "" || peeled {
				refs[base] = r.Hash().String()
			}
		}
	}
	return refs, branch, nil
}
