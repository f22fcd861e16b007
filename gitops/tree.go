package gitops

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Tree is what will be tested: every file, and the one name that stands for
// all of them.
type Tree struct {
	// Hash is the git tree object that holds exactly the files that are
	// tested: what `git write-tree` gives after adding them all. Two
	// exceptions keep it truthful: files that a sparse checkout leaves out are
	// not tested and not in it, and a submodule that is not exactly at a
	// commit of its own is in it as a tree of its files.
	Hash         string
	Commit       string // the commit it stands on, "" before the first
	EqualsCommit bool   // Hash is the commit's own tree
	Dirty        bool   // something differs from the commit: Changed is not empty
	Changed      []string
	Nested       []string // repositories inside the checkout that are no submodules: not tested
	Files        []File   // by path
	Bytes        int64    // of all files

	snapshot *Snapshot
	time     time.Time  // what has no mtime of its own gets this one
	commit   []node     // the files of the commit
	left     []string   // what a sparse checkout leaves out
	converts bool       // attributes or filters change contents on their way out of git
	contents []contents // where the bytes of Files come from, by File.part

	mu       sync.Mutex
	unstable []string

	listing sync.Mutex
	listed  *string // by git for-each-ref; nil: it was not asked yet
}

// A File is one file of a tree.
type File struct {
	Path    string // from the top of the checkout, with slashes
	Mode    Mode
	Blob    string // git's name for its content as a commit would hold it; of a submodule its commit
	Size    int64  // bytes as tested: attributes and filters make it differ from the blob's
	ModTime time.Time
	part    int // index in Tree.contents: the checkout or a submodule
}

// Tree lists and names what is tested. Everything in it is known when it
// returns; file contents are read later, by WriteTar.
func (s *Snapshot) Tree(ctx context.Context) (*Tree, error) {
	t := &Tree{Commit: s.head.Commit, snapshot: s, time: s.head.Time}
	if t.time.IsZero() {
		t.time = time.Now().Truncate(time.Second)
	}
	var found *listing
	var err error
	switch s.source.Kind {
	case Worktree:
		found, err = s.listWorktree(ctx)
	case Index:
		found, err = s.listIndex(ctx)
	default:
		found, err = s.listCommit(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", s.source.Kind, s.repo.Root, err)
	}
	return t, t.fill(ctx, found)
}

// A listing is what one look at a source found.
type listing struct {
	files    []File // by path
	commit   []node // the files of HEAD's commit, by path
	left     []string
	nested   []string
	contents contents
}

// fill makes the tree of what was found, submodules included.
func (t *Tree) fill(ctx context.Context, found *listing) error {
	t.commit, t.left, t.Nested = found.commit, found.left, found.nested
	t.contents = []contents{found.contents}
	_, t.converts = found.contents.(filteredContents)
	nodes := make([]node, len(found.files))
	for i := range found.files {
		nodes[i] = found.files[i].node()
		if !validPath(nodes[i].path) || !nodes[i].mode.valid() {
			return fmt.Errorf("%s holds %q (mode %o), which no checkout may hold", t.snapshot.source.Kind, nodes[i].path, nodes[i].mode)
		}
	}
	t.Files = found.files
	if err := t.addSubmodules(ctx, nodes); err != nil {
		return err
	}
	var err error
	if t.Hash, err = t.snapshot.repo.format.tree(nodes); err != nil {
		return err
	}
	t.Changed = changedNodes(t.commit, nodes, t.left)
	t.Dirty = len(t.Changed) > 0
	if t.EqualsCommit = t.Commit != "" && !t.Dirty && len(t.left) == 0; t.EqualsCommit {
		// The same but in trees of ancient gits, which knew more modes.
		t.Hash = t.snapshot.head.tree
	}
	for i := range t.Files {
		t.Bytes += t.Files[i].Size
	}
	return nil
}

func (f *File) node() node { return node{path: f.Path, mode: f.Mode, blob: f.Blob} }

// changedNodes lists the paths in which two ordered lists differ, but for
// those left out.
func changedNodes(before, after []node, left []string) []string {
	var changed []string
	for len(before) > 0 || len(after) > 0 {
		switch c := compareFirst(before, after); {
		case c < 0:
			if _, gone := slices.BinarySearch(left, before[0].path); !gone {
				changed = append(changed, before[0].path)
			}
			before = before[1:]
		case c > 0:
			changed = append(changed, after[0].path)
			after = after[1:]
		default:
			if before[0] != after[0] {
				changed = append(changed, after[0].path)
			}
			before, after = before[1:], after[1:]
		}
	}
	return changed
}

// compareFirst tells which of two ordered lists goes on with the lower path.
func compareFirst(a, b []node) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return strings.Compare(a[0].path, b[0].path)
}

// Unstable lists the files that changed or vanished while they were read:
// where there are any, what was tested is not what Hash names.
func (t *Tree) Unstable() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	unstable := slices.Clone(t.unstable)
	slices.Sort(unstable)
	return slices.Compact(unstable) // each job reads the files again
}

func (t *Tree) addUnstable(path string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unstable = append(t.unstable, path)
}
