package gitops

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

// blobContents reads files from git's objects, byte by byte as they are.
type blobContents struct{ repo *Repo }

func (c blobContents) under(string) contents { return c }

func (c blobContents) open(ctx context.Context, files []File) (contentReader, error) {
	var names strings.Builder
	for i := range files {
		names.WriteString(files[i].Blob + "\n")
	}
	g := git(c.repo.Root, "cat-file", "--buffer", "--batch=%(objectsize)")
	g.stdin = strings.NewReader(names.String())
	p, err := startPipe(ctx, g)
	return &blobReader{pipe: p, repo: c.repo}, err
}

// A blobReader is one `git cat-file --batch` that is asked for all files at
// once and answers in order.
type blobReader struct {
	*pipe
	repo *Repo
	last *io.LimitedReader // the content before, to be read to its end
}

func (b *blobReader) next(f *File) (*content, error) {
	if b.last != nil {
		if _, err := io.Copy(io.Discard, b.last); err != nil {
			return nil, err
		}
		if _, err := b.out.Discard(1); err != nil { // the line end behind each content
			return nil, b.broken(err)
		}
	}
	size, err := b.size(b.repo, f)
	if err != nil {
		return nil, err
	}
	b.last = &io.LimitedReader{R: b.out, N: size}
	return &content{size: size, modTime: f.ModTime, body: b.last, settled: always}, nil
}

// always is the answer for what cannot change.
func always() bool { return true }

// A pipe is a git process of which the output is read while it runs.
type pipe struct {
	command *command
	process *exec.Cmd
	out     *bufio.Reader
	stderr  bytes.Buffer
	ctx     context.Context // of the process: it ends with Close
	stop    context.CancelFunc
}

// startPipe starts c. The process ends when ctx does, or Close is called.
func startPipe(ctx context.Context, c *command) (*pipe, error) {
	p := &pipe{command: c}
	p.ctx, p.stop = context.WithCancel(ctx)
	p.process = c.cmd(p.ctx)
	p.process.Stderr = &p.stderr
	out, err := p.process.StdoutPipe()
	if err == nil {
		p.out = bufio.NewReaderSize(out, 1<<16)
		err = p.process.Start()
	}
	if err != nil {
		p.stop()
		return nil, c.failure(ctx, err, "")
	}
	return p, nil
}

// size reads the line that stands before each content.
func (p *pipe) size(r *Repo, f *File) (int64, error) {
	line, err := p.out.ReadString('\n')
	if err != nil {
		return 0, p.broken(err)
	}
	size, err := strconv.ParseInt(strings.TrimSuffix(line, "\n"), 10, 64)
	if err != nil {
		return 0, r.missing(f.node())
	}
	return size, nil
}

// broken says why the output ended too early.
func (p *pipe) broken(err error) error {
	if p.ctx.Err() != nil {
		return p.ctx.Err()
	}
	if end := p.process.Wait(); end != nil {
		return p.command.failure(p.ctx, end, p.stderr.String())
	}
	return fmt.Errorf("git %s: %w", p.command.args[0], err)
}

// Close ends the process. How it ended does not matter: every content was
// counted, and after an error nobody waits for the rest.
func (p *pipe) Close() error {
	p.stop()
	_ = p.process.Wait()
	return nil
}
