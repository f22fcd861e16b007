package gitops

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	gogit "github.com/go-git/go-git/v5"
	goconfig "github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// mostModules is how many submodules a commit may have, those of submodules
// not counted.
const mostModules = 64

// deepest is how deep submodules may lie in submodules.
const deepest = 4

// submodules brings the commits of a commit's submodules, each into a mirror
// at its path: there Snapshot looks for them, as in any checkout. Only those
// of the same server are fetched: where else to go, a commit must not say.
func (m *Mirror) submodules(ctx context.Context, repo *gogit.Repository, commit string) error {
	c, err := repo.CommitObject(plumbing.NewHash(commit))
	if err != nil {
		return err
	}
	tree, err := c.Tree()
	if err != nil {
		return err
	}
	file, err := tree.File(".gitmodules")
	if errors.Is(err, object.ErrFileNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf(".gitmodules: %w", err)
	}
	text, err := file.Contents()
	if err != nil {
		return err
	}
	modules := goconfig.NewModules()
	if err := modules.Unmarshal([]byte(text)); err != nil {
		return nil //nolint:nilerr // git would not read it either: the folders stay empty
	}
	if len(modules.Submodules) > mostModules {
		return fmt.Errorf("the commit has %d submodules, at most %d are fetched", len(modules.Submodules), mostModules)
	}
	for _, module := range modules.Submodules {
		if err := m.submodule(ctx, tree, module); err != nil {
			return fmt.Errorf("submodule %q: %w", module.Path, err)
		}
	}
	return nil
}

// submodule brings one submodule, if it is one of the same server.
func (m *Mirror) submodule(ctx context.Context, tree *object.Tree, module *goconfig.Submodule) error {
	entry, err := tree.FindEntry(module.Path)
	if err != nil || uint32(entry.Mode) != uint32(Submodule) || !validPath(module.Path) || !filepath.IsLocal(module.Path) {
		return nil //nolint:nilerr // the commit has no such submodule, whatever .gitmodules says
	}
	address, ok := besides(m.URL, module.URL)
	if !ok || m.depth == deepest {
		return nil
	}
	sub := &Mirror{Dir: filepath.Join(m.Dir, filepath.FromSlash(module.Path)), URL: address, Login: m.Login, MaxBytes: m.MaxBytes, depth: m.depth + 1}
	return sub.Fetch(ctx, "", entry.Hash.String())
}

// besides resolves the address of a submodule, which may be relative to its
// parent's, and says whether it is on the parent's server.
func besides(parent, address string) (string, bool) {
	base, err := url.Parse(parent)
	if err != nil || !strings.Contains(parent, "://") {
		return "", false // the short form of ssh: git itself is vague about it
	}
	if strings.HasPrefix(address, "./") || strings.HasPrefix(address, "../") {
		base.Path = path.Join("/", base.Path, address)
		return base.String(), true
	}
	u, err := url.Parse(address)
	same := err == nil && u.Scheme == base.Scheme && strings.EqualFold(u.Host, base.Host)
	if same && !slices.Contains([]string{"https", "http", "ssh"}, u.Scheme) {
		return "", false
	}
	return address, same && ValidURL(address) == nil
}
