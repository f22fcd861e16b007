package gitops

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// contents is where the bytes of files come from: the disk or git's objects.
type contents interface {
	// open begins to read files, in exactly this order.
	open(ctx context.Context, files []File) (contentReader, error)
	// under is the same for files whose paths have prefix in front, as those
	// of a submodule have.
	under(prefix string) contents
}

// A contentReader reads one file after the other.
type contentReader interface {
	// next opens the next file. errVanished means that it is there no more.
	next(f *File) (*content, error)
	Close() error
}

// A content is one file, open.
type content struct {
	size    int64
	modTime time.Time
	body    io.Reader
	// settled, once the body is read, tells whether it is what the tree named.
	settled func() bool
}

// errVanished is for a file that is not, or not any more, what the tree says.
var errVanished = errors.New("file changed while it was read")

// worktreeContents reads files from the disk.
type worktreeContents struct {
	root   string
	prefix string // of a submodule in the checkout, with its slash
}

func (c worktreeContents) open(context.Context, []File) (contentReader, error) { return c, nil }

func (c worktreeContents) under(prefix string) contents {
	return worktreeContents{root: c.root, prefix: prefix + c.prefix}
}

func (worktreeContents) Close() error { return nil }

func (c worktreeContents) next(f *File) (*content, error) {
	path := filepath.Join(c.root, strings.TrimPrefix(f.Path, c.prefix))
	if f.Mode == Symlink {
		return openLink(path, f)
	}
	// Not through a link, and without waiting for the writer of a pipe that
	// took the file's place.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrPermission) {
		return nil, err
	}
	if err != nil {
		return nil, errVanished
	}
	return openContent(file, f)
}

// openLink reads where a link leads to.
func openLink(path string, f *File) (*content, error) {
	target, err := os.Readlink(path)
	if err != nil {
		return nil, errVanished
	}
	d := lstat(path)
	same := int64(len(target)) == f.Size && d.modTime().Equal(f.ModTime)
	return &content{size: int64(len(target)), modTime: d.modTime(), body: strings.NewReader(target), settled: func() bool { return same }}, nil
}

// openContent looks at an open file before and after it is read.
func openContent(file *os.File, f *File) (*content, error) {
	before, err := file.Stat()
	if err != nil || !before.Mode().IsRegular() {
		_ = file.Close() // nothing was written
		return nil, errVanished
	}
	settled := func() bool {
		defer file.Close()
		after, err := file.Stat()
		return err == nil && before.Size() == f.Size && before.ModTime().Equal(f.ModTime) &&
			after.Size() == before.Size() && after.ModTime().Equal(before.ModTime())
	}
	return &content{size: before.Size(), modTime: before.ModTime(), body: file, settled: settled}, nil
}
