package gitops

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// TarOptions say how a tree is written.
type TarOptions struct {
	Only     []File // the files to write, of this tree and in its order; nil: all
	UID, GID int    // the owner of everything
	Prefix   string // the folder everything is put into, "home/user/project"; empty: none
	Open     bool   // the tar has no end: another follows
}

// WriteTar writes files as a tar stream, straight from the disk or from git's
// objects. Folders are in it, that of Prefix too but not those above it, whose
// owner is not ours to change. Times are cut to seconds. A file that changes
// while it is read is noted in Unstable; one that vanished is left out.
func (t *Tree) WriteTar(ctx context.Context, w io.Writer, o TarOptions) error {
	files := o.Only
	if files == nil {
		files = t.Files
	}
	buffered := bufio.NewWriterSize(w, 1<<16)
	tw := &treeWriter{archive: newArchive(buffered, o.Prefix, o.UID, o.GID, t.time), tree: t, files: files, readers: map[int]contentReader{}}
	err := errors.Join(tw.writeAll(ctx), tw.close())
	if err != nil {
		return err
	}
	end := tw.archive.tar.Close
	if o.Open {
		end = tw.archive.tar.Flush
	}
	if err := end(); err != nil {
		return err
	}
	return buffered.Flush()
}

// A treeWriter writes files of a tree into an archive.
type treeWriter struct {
	archive *archive
	tree    *Tree
	files   []File
	readers map[int]contentReader // by File.part
}

func (tw *treeWriter) writeAll(ctx context.Context) error {
	if err := tw.archive.root(); err != nil {
		return err
	}
	for i := range tw.files {
		f := &tw.files[i]
		if err := ctx.Err(); err != nil {
			return err
		}
		err := tw.write(ctx, f)
		if errors.Is(err, errVanished) {
			tw.tree.addUnstable(f.Path)
		} else if err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return nil
}

func (tw *treeWriter) write(ctx context.Context, f *File) error {
	if f.Mode == Submodule {
		return tw.archive.folder(f.Path)
	}
	r, err := tw.reader(ctx, f.part)
	if err != nil {
		return err
	}
	c, err := r.next(f)
	if err != nil {
		return err
	}
	err = tw.archive.file(f.Path, f.Mode, c)
	if !c.settled() {
		tw.tree.addUnstable(f.Path)
	}
	return err
}

// reader is the reader of a part, opened when its first file is met.
func (tw *treeWriter) reader(ctx context.Context, part int) (contentReader, error) {
	if r := tw.readers[part]; r != nil {
		return r, nil
	}
	var files []File
	for i := range tw.files {
		if f := &tw.files[i]; f.part == part && f.Mode != Submodule {
			files = append(files, *f)
		}
	}
	r, err := tw.tree.contents[part].open(ctx, files)
	if err == nil {
		tw.readers[part] = r
	}
	return r, err
}

func (tw *treeWriter) close() (err error) {
	for _, r := range tw.readers {
		err = errors.Join(err, r.Close())
	}
	return err
}

// An archive is a tar stream of which every entry belongs to one owner and
// lies in one folder.
type archive struct {
	tar      *tar.Writer
	prefix   string // "" or ending in a slash
	uid, gid int
	time     time.Time       // of folders
	folders  map[string]bool // those that are written
	buffer   []byte
}

func newArchive(w io.Writer, prefix string, uid, gid int, at time.Time) *archive {
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return &archive{tar: tar.NewWriter(w), prefix: prefix, uid: uid, gid: gid, time: at, folders: map[string]bool{"": true}, buffer: make([]byte, 1<<16)}
}

// header is what all entries have in common. The GNU form is the one that
// both GNU and busybox tar read with names of any length and any bytes;
// busybox skips the newer PAX names.
func (a *archive) header(kind byte, path string, mode int64, at time.Time) *tar.Header {
	return &tar.Header{Typeflag: kind, Name: a.prefix + path, Mode: mode, Uid: a.uid, Gid: a.gid,
		ModTime: at.Truncate(time.Second), Format: tar.FormatGNU}
}

// root writes the folder that everything is put into.
func (a *archive) root() error {
	if a.prefix == "" {
		return nil
	}
	return a.tar.WriteHeader(a.header(tar.TypeDir, "", 0o755, a.time))
}

// folder writes a folder and those above it, once.
func (a *archive) folder(path string) error {
	if a.folders[path] {
		return nil
	}
	a.folders[path] = true
	if err := a.folder(parent(path)); err != nil {
		return err
	}
	return a.tar.WriteHeader(a.header(tar.TypeDir, path+"/", 0o755, a.time))
}

// file writes one file. What is missing at its end, since somebody cut it
// meanwhile, is filled up with zeros: the size is already written.
func (a *archive) file(path string, mode Mode, c *content) error {
	if err := a.folder(parent(path)); err != nil {
		return err
	}
	if mode == Symlink {
		return a.link(path, c)
	}
	h := a.header(tar.TypeReg, path, mode.perm(), c.modTime)
	h.Size = c.size
	if err := a.tar.WriteHeader(h); err != nil {
		return err
	}
	n, err := io.CopyBuffer(a.tar, io.LimitReader(c.body, c.size), a.buffer)
	if err == nil && n < c.size {
		_, err = io.CopyN(a.tar, zeros{}, c.size-n)
	}
	return err
}

func (a *archive) link(path string, c *content) error {
	target, err := io.ReadAll(c.body)
	if err != nil {
		return err
	}
	h := a.header(tar.TypeSymlink, path, Symlink.perm(), c.modTime)
	h.Linkname = string(target)
	return a.tar.WriteHeader(h)
}

// text writes a file that is made here.
func (a *archive) text(path, text string) error {
	return a.file(path, Regular, &content{size: int64(len(text)), modTime: a.time, body: strings.NewReader(text)})
}

// zeros is a reader without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
