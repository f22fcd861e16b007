package gitops

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// listWorktree finds every file on disk that is tracked, or untracked and not
// ignored. Two looks go side by side: git searches for untracked files, and
// the tracked ones are compared with the index here. Only what the index does
// not answer for is hashed, by git, with its filters.
func (s *Snapshot) listWorktree(ctx context.Context) (*listing, error) {
	var w worktree
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		w.untracked, err = s.repo.untracked(gctx)
		return err
	})
	found := &listing{contents: worktreeContents{root: s.repo.Root}}
	g.Go(func() error {
		x, err := s.repo.loadIndex(gctx, s.repo.indexPath(Source{}))
		if err != nil {
			return err
		}
		w.compare(s.repo.Root, x, s.config.statRules())
		found.commit, err = s.commitNodes(gctx, x)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var err error
	found.files, err = s.repo.settle(ctx, &w, s.config.statRules())
	found.left, found.nested = w.left, w.nested
	return found, err
}

// A worktree is a checkout as it was found on disk.
type worktree struct {
	same      []File          // what the index answers for
	doubtful  []string        // tracked, on disk, to be hashed
	modes     map[string]Mode // of doubtful, as tracked
	left      []string        // tracked, and left out by a sparse checkout
	untracked []string
	nested    []string
}

// untracked lists what git would add. A name that ends in a slash is a
// repository of its own.
func (r *Repo) untracked(ctx context.Context) ([]string, error) {
	out, err := git(r.Root, "ls-files", "-z", "--others", "--exclude-standard").output(ctx)
	if err != nil {
		return nil, err
	}
	return fields(out), nil
}

// compare looks at every tracked file. Processors share the work by ranges:
// neighbours lie in the same folder.
func (w *worktree) compare(root string, x *index, rules statRules) {
	entries := x.tracked()
	parts := make([]worktree, runtime.GOMAXPROCS(0))
	var wait sync.WaitGroup
	for i := range parts {
		share := entries[i*len(entries)/len(parts) : (i+1)*len(entries)/len(parts)]
		wait.Go(func() { parts[i].look(root, share, x, rules) })
	}
	wait.Wait()
	w.modes = map[string]Mode{}
	for i := range parts {
		w.same = append(w.same, parts[i].same...)
		w.left = append(w.left, parts[i].left...)
		for _, path := range parts[i].doubtful {
			w.doubtful = append(w.doubtful, path)
			w.modes[path] = parts[i].modes[path]
		}
	}
}

// look compares some entries of the index with the disk.
func (w *worktree) look(root string, entries []indexEntry, x *index, rules statRules) {
	folders := folders{root: root, known: map[string]bool{"": true}}
	w.modes = map[string]Mode{}
	w.same = make([]File, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		var d diskFile
		if folders.real(parent(e.path)) {
			d = lstat(root + "/" + e.path)
		}
		switch {
		case e.mode == Submodule && d.isFolder():
			w.same = append(w.same, File{Path: e.path, Mode: Submodule, Blob: e.blob})
		case d.mode() == 0:
			if e.absent {
				w.left = append(w.left, e.path)
			}
		case e.stage == 0 && !e.intended && e.unchanged(&d, x.written, rules):
			w.same = append(w.same, File{Path: e.path, Mode: e.mode, Blob: e.blob, Size: d.size(), ModTime: d.modTime()})
		default:
			w.doubtful = append(w.doubtful, e.path)
			w.modes[e.path] = e.mode
		}
	}
}

// tracked are the entries with each path once: of a conflict the first side.
func (x *index) tracked() []indexEntry {
	if x.conflict() == "" {
		return x.entries
	}
	return slices.CompactFunc(slices.Clone(x.entries), func(a, b indexEntry) bool { return a.path == b.path })
}

// parent is the folder of a path, "" at the top.
func parent(path string) string { return path[:max(0, strings.LastIndexByte(path, '/'))] }

// folders remembers which paths are folders, and not links to folders: git
// does not look behind a link.
type folders struct {
	root  string
	known map[string]bool
}

func (f folders) real(dir string) bool {
	is, known := f.known[dir]
	if !known {
		d := lstat(f.root + "/" + dir)
		is = f.real(parent(dir)) && d.isFolder()
		f.known[dir] = is
	}
	return is
}

// settle has git hash what is in doubt, and puts all files in order.
func (r *Repo) settle(ctx context.Context, w *worktree, rules statRules) ([]File, error) {
	paths := w.doubtful
	for _, path := range w.untracked {
		if dir, isRepo := strings.CutSuffix(path, "/"); isRepo {
			w.nested = append(w.nested, dir)
		} else {
			paths = append(paths, path)
		}
	}
	hashed, err := r.hashFiles(ctx, paths)
	if err != nil {
		return nil, err
	}
	for _, e := range hashed {
		if rules.noExecutable && e.mode == Regular && w.modes[e.path] == Executable {
			e.mode = Executable
		}
		d := lstat(filepath.Join(r.Root, e.path))
		w.same = append(w.same, File{Path: e.path, Mode: e.mode, Blob: e.blob, Size: d.size(), ModTime: e.stat.modTime()})
	}
	slices.SortFunc(w.same, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return w.same, nil
}

// hashFiles names the content of files, filters and line ends applied as for
// a commit. git keeps the names in an index of its own, which is thrown away,
// and with --info-only stores nothing. A file that vanished is not in the
// answer.
func (r *Repo) hashFiles(ctx context.Context, paths []string) ([]indexEntry, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "popsicle-index-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "index")
	c := git(r.Root, "-c", "index.version=2", "-c", "core.splitIndex=false", "-c", "index.sparse=false",
		"-c", "lfs.storage="+dir, "update-index", "--add", "--remove", "--replace", "--info-only", "-z", "--stdin")
	c.env = []string{"GIT_INDEX_FILE=" + file}
	c.stdin = strings.NewReader(strings.Join(paths, "\x00") + "\x00")
	if _, err := c.output(ctx); err != nil {
		return nil, err
	}
	x, err := readIndex(file, r.format)
	if err != nil {
		return nil, err
	}
	return x.entries, nil
}
