package gitops

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ObjectDirs lists the folders that hold the repository's objects: its own
// first, then those it borrows from. They are absolute; mount them read-only
// anywhere and name those places in GitOptions.Alternates. A folder that
// borrows names its sources by their paths on this host: where those are not
// there in the container too, git works but grumbles, so mount the others at
// their own paths.
func (r *Repo) ObjectDirs(ctx context.Context) ([]string, error) {
	var dirs []string
	next := []string{filepath.Join(r.CommonDir, "objects")}
	for len(next) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		dir := next[0]
		next = next[1:]
		if slices.Contains(dirs, dir) {
			continue
		}
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue // git passes over them too
		}
		dirs = append(dirs, dir)
		more, err := readAlternates(dir)
		if err != nil {
			return nil, err
		}
		next = append(next, more...)
	}
	return dirs, nil
}

// readAlternates lists the object folders that dir borrows from.
func readAlternates(dir string) ([]string, error) {
	data, err := os.ReadFile(filepath.Join(dir, "info", "alternates"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseAlternates(string(data), dir), nil
}

// parseAlternates reads one path a line, from dir where it is relative, in
// quotes where it holds strange bytes.
func parseAlternates(text, dir string) []string {
	var paths []string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		if unquoted, err := strconv.Unquote(line); err == nil && line[0] == '"' {
			line = unquoted
		}
		if !filepath.IsAbs(line) {
			line = filepath.Join(dir, line)
		}
		paths = append(paths, filepath.Clean(line))
	}
	return paths
}

// PackOptions say what a pack holds and where it goes.
type PackOptions struct {
	Have     []string // what is there already: tips that an earlier WritePack gave
	UID, GID int
	Prefix   string // the folder of the checkout, as in GitOptions
	Branch   string // as in GitOptions
	Tag      string
}

// WritePack writes a tar stream of .git/objects/pack with all objects that
// the refs of WriteGit reach, and gives these refs' objects as tips. It is for
// engines that cannot see the host's object folders. A shallow or partial
// clone gives what it has. Nothing new makes an empty stream.
func (t *Tree) WritePack(ctx context.Context, w io.Writer, o PackOptions) (tips []string, err error) {
	if o.Branch == "" && o.Tag == "" {
		o.Branch, o.Tag = t.snapshot.head.Branch, t.snapshot.head.Tag
	}
	refs, err := t.refs(ctx, GitOptions{Branch: o.Branch, Tag: o.Tag})
	if err != nil {
		return nil, err
	}
	tips = refs.tips()
	if t.Commit != "" && !slices.Contains(tips, t.Commit) {
		tips = append(tips, t.Commit)
	}
	have, err := t.snapshot.repo.known(ctx, o.Have)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "popsicle-pack-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := t.snapshot.repo.pack(ctx, dir, tips, have); err != nil {
		return nil, err
	}
	a := newArchive(w, joinSlash(o.Prefix, ".git/objects/pack"), o.UID, o.GID, time.Now())
	return tips, writePackDir(a, dir)
}

// pack has git write a pack into dir. Deltas are taken over where there are
// some and not searched for: the pack is read once and soon forgotten.
func (r *Repo) pack(ctx context.Context, dir string, tips, have []string) error {
	if len(tips) == 0 {
		return nil
	}
	var revs strings.Builder
	for _, tip := range tips {
		revs.WriteString(tip + "\n")
	}
	for _, h := range have {
		revs.WriteString("^" + h + "\n")
	}
	c := git(r.Root, "pack-objects", "-q", "--revs", "--non-empty", "--delta-base-offset", "--window=0",
		"--missing=allow-any", filepath.Join(dir, "pack"))
	c.stdin = strings.NewReader(revs.String())
	c.env = r.borrowed(dir)
	_, err := c.output(ctx)
	return err
}

// borrowed has git store new objects, and temporary files, below dir, while
// it reads those of the repository.
func (r *Repo) borrowed(dir string) []string {
	objects := filepath.Join(r.CommonDir, "objects")
	if strings.ContainsAny(objects, `:"`) {
		objects = strconv.Quote(objects) // a colon would end the path
	}
	return []string{"GIT_OBJECT_DIRECTORY=" + dir, "GIT_ALTERNATE_OBJECT_DIRECTORIES=" + objects}
}

// known are those of the objects that the repository (still) has.
func (r *Repo) known(ctx context.Context, objects []string) ([]string, error) {
	for _, o := range objects {
		if !r.format.isName(o) {
			return nil, fmt.Errorf("%q is not the name of an object", o)
		}
	}
	if len(objects) == 0 {
		return nil, nil
	}
	c := git(r.Root, "cat-file", "--buffer", "--batch-check=%(objectname)")
	c.stdin = strings.NewReader(lines(objects))
	out, err := c.output(ctx)
	if err != nil {
		return nil, err
	}
	var known []string
	s := bufio.NewScanner(bytes.NewReader(out))
	for s.Scan() {
		if r.format.isName(s.Text()) {
			known = append(known, s.Text())
		}
	}
	return known, s.Err()
}

// writePackDir writes the files of dir. An index is written after its pack:
// git looks for packs by their indexes.
func writePackDir(a *archive, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(x, y os.DirEntry) int {
		return strings.Compare(filepath.Ext(y.Name()), filepath.Ext(x.Name()))
	})
	for _, e := range entries {
		if e.IsDir() {
			continue // git keeps its temporary files there
		}
		if err := a.disk(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return a.tar.Close()
}

// disk writes a file from the disk, under its last name.
func (a *archive) disk(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return a.file(filepath.Base(name), Regular, &content{size: info.Size(), modTime: a.time, body: file})
}
