package commands

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner"
)

// memory is a runner.Memory in the history. What cannot be read or written is
// as if it was never known: it is found out again.
type memory struct{ *db.DB }

func (m memory) Facts(image, user string) (runner.Facts, bool) {
	f, err := m.ImageFacts(context.Background(), image, user)
	return runner.Facts{UID: f.UID, GID: f.GID, Home: f.Home}, err == nil
}

func (m memory) PutFacts(image, user string, f runner.Facts) {
	if known, ok := m.Facts(image, user); ok && known == f {
		return
	}
	_ = m.PutImageFacts(context.Background(), db.ImageFacts{
		Image: image, User: user, UID: f.UID, GID: f.GID, Home: f.Home, Seen: time.Now(),
	})
}

func (m memory) Base(engine, root string, uid int) (runner.Base, bool) {
	b, err := m.NewestBase(context.Background(), engine, root, uid)
	return runnerBase(b), err == nil
}

// runnerBase takes apart what PutBase put together: the manifest is kept
// behind the volume's mountpoint and a newline.
func runnerBase(b db.Base) runner.Base {
	mountpoint, manifest, _ := bytes.Cut(b.Manifest, []byte("\n"))
	return runner.Base{
		Engine: b.Engine, Root: b.Root, Volume: b.Name, Mountpoint: string(mountpoint), Tree: b.Tree,
		UID: b.UID, GID: b.GID, Files: b.Files, Bytes: b.Bytes, Manifest: manifest,
	}
}

func (m memory) PutBase(b runner.Base) {
	now := time.Now()
	_ = m.DB.PutBase(context.Background(), db.Base{
		Engine: b.Engine, Name: b.Volume, Root: b.Root, Tree: b.Tree, UID: b.UID, GID: b.GID,
		Files: b.Files, Bytes: b.Bytes, Created: now, Used: now,
		Manifest: append([]byte(b.Mountpoint+"\n"), b.Manifest...),
	})
}

func (m memory) UseBase(b runner.Base) {
	_ = m.TouchBase(context.Background(), b.Engine, b.Volume, time.Now())
}

func (m memory) DropBase(b runner.Base) {
	_ = m.DeleteBase(context.Background(), b.Engine, b.Volume)
}

// baseAge is how long a base is kept that no run uses; baseRest is how long
// one stays that a newer has replaced, for runs that still look at it.
const (
	baseAge  = 14 * 24 * time.Hour
	baseRest = 24 * time.Hour
)

// OldBases lists the bases that nobody used for baseAge, and those replaced
// by a newer one of the same checkout and user that nobody used for baseRest.
func (m memory) OldBases(engine string) []runner.Base {
	all, _ := m.Bases(context.Background(), engine)
	type owner struct {
		root string
		uid  int
	}
	newest := map[owner]time.Time{}
	for _, b := range all {
		if o := (owner{b.Root, b.UID}); b.Created.After(newest[o]) {
			newest[o] = b.Created
		}
	}
	needed := attic(m).needed(context.Background(), 0)
	var old []runner.Base
	for _, b := range all {
		if needed[b.Name] {
			continue
		}
		idle := time.Since(b.Used)
		replaced := b.Created.Before(newest[owner{b.Root, b.UID}])
		if idle > baseAge || replaced && idle > baseRest {
			old = append(old, runnerBase(b))
		}
	}
	return old
}

// keeps says what the Reap of this home must leave: kept containers with their
// volumes, the trees it remembers, and what belongs to another home that still
// exists. One engine can go by several names (DOCKER_HOST, a context), so it
// does not matter for which of them a tree is remembered.
func (m memory) keeps(home string) func(name, of string) bool {
	needed := sync.OnceValue(func() map[string]bool { return attic(m).needed(context.Background(), 0) })
	return func(name, of string) bool {
		if needed()[name] {
			return true
		}
		if of != home {
			_, err := os.Stat(of)
			return !errors.Is(err, fs.ErrNotExist)
		}
		known, err := m.Bases(context.Background(), "")
		return err != nil || slices.ContainsFunc(known, func(b db.Base) bool { return b.Name == name })
	}
}

func (m memory) Small(root string) bool {
	last, err := m.Pipelines(context.Background(), db.PipelineFilter{Root: root, Limit: 3})
	if err != nil {
		return false
	}
	for _, p := range last {
		if p.TreeFiles > 0 {
			return !runner.Large(p.TreeFiles, p.TreeBytes)
		}
	}
	return false
}
