package gitops

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
		target, err := os.Readlink(path)
		if err != nil {
			return nil, errVanished
		}
		still := int64(len(target)) == f.Size
		return &content{size: int64(len(target)), modTime: f.ModTime, body: strings.NewReader(target), settled: func() bool { return still }}, nil
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

// blobContents reads files from git's objects.
type blobContents struct{ repo *Repo }

func (c blobContents) under(string) contents { return c }

// A blobReader is one `git cat-file --batch` that is asked for all files at
// once and answers in order.
type blobReader struct {
	repo *Repo
	cmd  *exec.Cmd
	out  *bufio.Reader
	last *io.LimitedReader // the content before, to be read to its end
	stop context.CancelFunc
}

func (c blobContents) open(ctx context.Context, files []File) (contentReader, error) {
	var names strings.Builder
	for i := range files {
		names.WriteString(files[i].Blob + "\n")
	}
	ctx, stop := context.WithCancel(ctx)
	g := git(c.repo.Root, "cat-file", "--buffer", "--batch=%(objectsize)")
	g.stdin = strings.NewReader(names.String())
	b := &blobReader{repo: c.repo, cmd: g.cmd(ctx), stop: stop}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		stop()
		return nil, err
	}
	b.out = bufio.NewReaderSize(out, 1<<16)
	if err := b.cmd.Start(); err != nil {
		stop()
		return nil, g.failure(ctx, err, "")
	}
	return b, nil
}

func (b *blobReader) next(f *File) (*content, error) {
	if b.last != nil {
		if _, err := io.Copy(io.Discard, b.last); err != nil {
			return nil, err
		}
		if _, err := b.out.Discard(1); err != nil { // the line end behind each content
			return nil, err
		}
	}
	line, err := b.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("git cat-file: %q: %w", f.Path, err)
	}
	size, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	if err != nil {
		return nil, b.repo.missing(f.node())
	}
	b.last = &io.LimitedReader{R: b.out, N: size}
	return &content{size: size, modTime: f.ModTime, body: b.last, settled: func() bool { return true }}, nil
}

// Close ends the process. How it ended does not matter: every content was
// counted, and after an error nobody waits for the rest.
func (b *blobReader) Close() error {
	b.stop()
	_ = b.cmd.Wait()
	return nil
}
