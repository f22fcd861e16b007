package commands

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/stash"
)

// A keeper is a runner.Shelf in the history.
type keeper struct {
	*db.DB
	project string
	scope   string // of caches: what is not trusted, as a fork's pull request, has one of its own
}

// projectOf names whose caches a checkout has: its repository's, wherever it
// is checked out, or its own where it has no remote.
func projectOf(head gitops.Head, root string) string {
	if head.Slug != "" {
		return head.Slug
	}
	return root
}

// openStash returns the stash beside a history.
func openStash(history *db.DB) *stash.Store {
	return stash.New(filepath.Join(filepath.Dir(history.Path()), "stash"))
}

func (s keeper) CacheOf(ctx context.Context, key string) (runner.Cache, bool, error) {
	return cacheFound(s.DB.CacheOf(ctx, s.project, s.scope, key))
}

func (s keeper) NewestCache(ctx context.Context, prefix string) (runner.Cache, bool, error) {
	c, err := s.DB.NewestCache(ctx, s.project, s.scope, prefix)
	if err == nil {
		err = s.TouchCache(ctx, c.ID, time.Now())
	}
	return cacheFound(c, err)
}

func cacheFound(c db.Cache, err error) (runner.Cache, bool, error) {
	if errors.Is(err, db.ErrNotFound) {
		return runner.Cache{}, false, nil
	}
	return runner.Cache{
		ID: c.ID, Key: c.Key, Paths: c.Paths, Pipeline: c.Pipeline, Job: c.Job, Created: c.Created,
		Content: runner.Content{Blob: c.Blob, Files: c.Files, Bytes: c.Bytes, New: c.Stored},
	}, err == nil, err
}

func (s keeper) PutCache(ctx context.Context, c runner.Cache) (bool, error) {
	return s.DB.PutCache(ctx, db.Cache{
		Project: s.project, Scope: s.scope, Key: c.Key, Blob: c.Content.Blob, Paths: c.Paths,
		Files: c.Content.Files, Bytes: c.Content.Bytes, Stored: c.Content.New,
		Pipeline: c.Pipeline, Job: c.Job, Created: c.Created, Used: c.Created,
	})
}

func (s keeper) DropCache(ctx context.Context, c runner.Cache) error { return s.DeleteCache(ctx, c.ID) }

func (s keeper) PutLayer(ctx context.Context, l runner.Layer) error {
	now := time.Now()
	return s.DB.PutLayer(ctx, db.Layer{
		Pipeline: l.Pipeline, Workflow: l.Workflow, Job: l.Job, Node: l.Node, Step: l.Step, Blob: l.Content.Blob, Names: l.Names,
		Files: l.Content.Files, Bytes: l.Content.Bytes, Stored: l.Content.New, Created: now, Used: now,
	})
}

func (s keeper) Layers(ctx context.Context, pipeline int64, workflow string) ([]runner.Layer, error) {
	all, err := s.DB.Layers(ctx, pipeline, workflow, time.Now())
	layers := make([]runner.Layer, len(all))
	for i, l := range all {
		layers[i] = runner.Layer{
			Pipeline: l.Pipeline, Workflow: l.Workflow, Job: l.Job, Node: l.Node, Step: l.Step, Names: l.Names,
			Content: runner.Content{Blob: l.Blob, Files: l.Files, Bytes: l.Bytes, New: l.Stored},
		}
	}
	return layers, err
}
