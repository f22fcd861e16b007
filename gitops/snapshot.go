package gitops

import (
	"context"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// A Kind says where the files of a snapshot are taken from.
type Kind int

// The kinds of source.
const (
	Worktree Kind = iota // the files on disk: tracked ones, and untracked ones that are not ignored
	Index                // what is staged
	Commit               // the files of Source.Rev
)

func (k Kind) String() string { return [...]string{"working tree", "index", "commit"}[k] }

// A Source says what shall be tested.
type Source struct {
	Kind Kind
	Rev  string // of Commit: any name git understands
	// IndexFile is another index to take than the checkout's own: a hook of
	// `git commit` finds the one being committed in GIT_INDEX_FILE. A relative
	// path begins at the top of the checkout.
	IndexFile string
}

// A Snapshot is a source at a commit: cheap to take, before any file is read.
type Snapshot struct {
	repo   *Repo
	source Source
	head   Head
	config config
	origin remote
}

// Snapshot finds out what the source is. It costs a few milliseconds.
func (r *Repo) Snapshot(ctx context.Context, src Source) (*Snapshot, error) {
	s := &Snapshot{repo: r, source: src}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		s.config, err = r.readConfig(gctx)
		return err
	})
	g.Go(func() (err error) {
		if src.Kind == Commit {
			s.head, err = r.asked(gctx, src.Rev)
		} else {
			s.head, err = r.checkedOut(gctx)
		}
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return s, s.findOrigin(ctx)
}

// findOrigin fills in where the repository comes from.
func (s *Snapshot) findOrigin(ctx context.Context) (err error) {
	s.origin = s.config.remote(s.head.Branch)
	s.head.RemoteURL, s.head.Host, s.head.Slug = s.origin.url, s.origin.host, s.origin.slug
	if s.origin.name != "" {
		ref := "refs/remotes/" + s.origin.name + "/"
		file := filepath.Join(s.repo.CommonDir, filepath.FromSlash(ref), "HEAD")
		s.head.DefaultBranch, err = s.repo.symbolic(ctx, file, ref+"HEAD", ref)
	}
	if b := s.head.Branch; s.head.DefaultBranch == "" && (b == "main" || b == "master") {
		s.head.DefaultBranch = b
	}
	return err
}

// Head is the commit the snapshot stands on.
func (s *Snapshot) Head() Head { return s.head }

// Source is what the snapshot was asked for.
func (s *Snapshot) Source() Source { return s.source }
