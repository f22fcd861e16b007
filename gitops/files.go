package gitops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// ReadFile reads one file as it is in the source, by its path from the top
// with slashes. A file that is not there is an fs.ErrNotExist.
func (s *Snapshot) ReadFile(ctx context.Context, name string) ([]byte, error) {
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\n") {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	if s.source.Kind == Worktree {
		return readDiskFile(filepath.Join(s.repo.Root, filepath.FromSlash(name)))
	}
	c := s.git("cat-file", "--batch=%(objecttype)")
	c.stdin = strings.NewReader(s.object(name) + "\n")
	out, err := c.output(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if data, isFile := bytes.CutPrefix(out, []byte("blob\n")); isFile {
		return bytes.TrimSuffix(data, []byte("\n")), nil
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
}

// readDiskFile reads a file, and waits not for the writer of a pipe.
func readDiskFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrInvalid}
	}
	return os.ReadFile(path)
}

// Glob lists the files right in the folder dir ("." is the top) whose names
// match one of the patterns of path.Match, in order.
func (s *Snapshot) Glob(ctx context.Context, dir string, patterns ...string) ([]string, error) {
	names, err := s.readDir(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	var found []string
	for _, name := range names {
		for _, pattern := range patterns {
			ok, err := path.Match(pattern, name)
			if err != nil {
				return nil, err
			}
			if ok {
				found = append(found, path.Join(dir, name))
				break
			}
		}
	}
	slices.Sort(found)
	return found, nil
}

// readDir lists the names of what is no folder in dir; none where there is no dir.
func (s *Snapshot) readDir(ctx context.Context, dir string) ([]string, error) {
	if !fs.ValidPath(dir) {
		return nil, fs.ErrInvalid
	}
	if s.source.Kind == Worktree {
		return readDiskDir(filepath.Join(s.repo.Root, filepath.FromSlash(dir)))
	}
	prefix, operands := "", []string{"--"}
	if dir != "." {
		prefix, operands = dir+"/", []string{"--", dir + "/"}
	}
	args := []string{"ls-files", "-z", "--cached"}
	if s.source.Kind == Commit {
		args = []string{"ls-tree", "-z", "--name-only", "-r", "--full-tree", s.head.Commit}
	}
	out, err := s.git(append(args, operands...)...).output(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range fields(out) {
		if base, under := strings.CutPrefix(name, prefix); under && !strings.Contains(base, "/") {
			names = append(names, base)
		}
	}
	return names, nil
}

func readDiskDir(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// object is git's name for a file of the source.
func (s *Snapshot) object(name string) string {
	if s.source.Kind == Index {
		return ":0:" + name
	}
	return s.head.Commit + ":" + name
}

// git prepares a git process that sees the index of the source.
func (s *Snapshot) git(args ...string) *command {
	c := git(s.repo.Root, args...)
	if s.source.IndexFile != "" {
		c.env = []string{"GIT_INDEX_FILE=" + s.repo.indexPath(s.source)}
	}
	return c
}
