package commands

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/gitops"
)

// testedFiles are the files of what is tested, for orbs: those on disk, or
// those of an index or a commit. A link that leads out of the checkout leads
// nowhere.
func testedFiles(ctx context.Context, root string, s *gitops.Snapshot) (fs.FS, error) {
	if s.Source().Kind != gitops.Worktree {
		return snapshotFS{ctx, s}, nil
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	return r.FS(), nil // open until the command ends
}

// A snapshotFS reads files that are in git alone.
type snapshotFS struct {
	ctx  context.Context // of the command: an fs.FS is given none
	tree *gitops.Snapshot
}

// Open opens a file, or a folder to list it.
func (s snapshotFS) Open(name string) (fs.File, error) {
	text, err := s.tree.ReadFile(s.ctx, name)
	if err == nil {
		return &gitFile{Reader: bytes.NewReader(text), entry: entry{path.Base(name), int64(len(text)), false}}, nil
	}
	list, listErr := s.ReadDir(name)
	if listErr != nil || len(list) == 0 {
		return nil, err
	}
	return &gitFile{Reader: bytes.NewReader(nil), entry: entry{path.Base(name), 0, true}}, nil
}

// ReadDir lists a folder. That costs the list of all files of the tree, which
// only unpacked orbs ask for.
func (s snapshotFS) ReadDir(name string) ([]fs.DirEntry, error) {
	tree, err := s.tree.Tree(s.ctx)
	if err != nil {
		return nil, err
	}
	prefix := name + "/"
	if name == "." {
		prefix = ""
	}
	var list []fs.DirEntry
	for _, f := range tree.Files {
		rest, under := strings.CutPrefix(f.Path, prefix)
		if !under {
			continue
		}
		first, _, deeper := strings.Cut(rest, "/")
		if e := (entry{first, f.Size, deeper}); !slices.ContainsFunc(list, func(d fs.DirEntry) bool { return d.Name() == first }) {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

// A gitFile is an open file, or an open folder.
type gitFile struct {
	io.Reader
	entry
}

// Stat describes the file.
func (f *gitFile) Stat() (fs.FileInfo, error) { return f.entry, nil }

// Close does nothing: the file is in memory.
func (f *gitFile) Close() error { return nil }

// An entry describes a file or a folder.
type entry struct {
	name   string
	size   int64
	folder bool
}

// Name, Size, IsDir and the others are those of fs.FileInfo and fs.DirEntry.
func (e entry) Name() string               { return e.name }
func (e entry) Size() int64                { return e.size }
func (e entry) IsDir() bool                { return e.folder }
func (e entry) ModTime() time.Time         { return time.Time{} }
func (e entry) Sys() any                   { return nil }
func (e entry) Type() fs.FileMode          { return e.Mode().Type() }
func (e entry) Info() (fs.FileInfo, error) { return e, nil }

// Mode says whether it is a folder; permissions play no part here.
func (e entry) Mode() fs.FileMode {
	if e.folder {
		return fs.ModeDir | 0o555
	}
	return 0o444
}
