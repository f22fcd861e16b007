package runner

import (
	"context"
	"time"
)

// A Shelf remembers what the jobs of a project left in the stash.
type Shelf interface {
	// CacheOf returns the cache of exactly this key.
	CacheOf(ctx context.Context, key string) (c Cache, found bool, err error)
	// NewestCache returns the cache that was saved last of those whose keys
	// begin with prefix, and remembers that it was used.
	NewestCache(ctx context.Context, prefix string) (c Cache, found bool, err error)
	// PutCache remembers a cache, unless its key is taken.
	PutCache(ctx context.Context, c Cache) (won bool, err error)
	DropCache(ctx context.Context, c Cache) error

	PutLayer(ctx context.Context, l Layer) error
	// Layers lists those of a workflow's workspace. Those of one job are in
	// the order they were made in.
	Layers(ctx context.Context, pipeline int64, workflow string) ([]Layer, error)
}

// A Cache is what a project kept under a key.
type Cache struct {
	ID       int64 // the shelf's own
	Key      string
	Paths    []string // absolute, in a container
	Content  Content
	Pipeline int64
	Job      string
	Created  time.Time
}

// A Layer is what one step added to the workspace of its workflow.
type Layer struct {
	Pipeline int64
	Workflow string
	Job      string
	Node     int
	Step     int
	Content  Content
	Names    string // ID of the names of its files in the stash
}

// Content is a tar in the stash, without the zeros at its end, so that several
// can follow each other.
type Content struct {
	Blob  string
	Files int   // also links, but not folders
	Bytes int64 // of the files
	New   int64 // on the disk: what was there already costs nothing
}
