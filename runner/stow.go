package runner

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
)

// A choice is what is to be kept of a container: paths below base, which is
// absolute; "." is all of it.
type choice struct {
	base  string
	paths []string
}

// A stowed is what was kept, and what was not.
type stowed struct {
	Content
	names   []string // of all but folders
	missing []string // of the choice's paths
	special int      // devices and pipes, which are left out
	long    int      // paths that are too long, which are left out too
	leaks   []leak
	changed string // what tar said of files that changed under it
}

// errTar is what the tar of the container could not do: the job's own news.
type errTar struct{ said string }

func (e errTar) Error() string { return e.said }

// stow keeps files of the container in the stash, straight from the
// container's tar: nothing is unpacked on this host. Whoever calls it holds the stash
// until what it returns is written down.
func (j *job) stow(ctx context.Context, c choice) (s stowed, err error) {
	r, w := io.Pipe()
	p := &packer{limit: j.runner.StashLimit, mask: j.runner.Mask}
	packed := make(chan error, 1)
	go func() {
		buffered := bufio.NewWriterSize(w, 256<<10)
		p.to = tar.NewWriter(buffered)
		err := j.pack(ctx, p, c, &s)
		if err == nil {
			err = errors.Join(p.to.Flush(), buffered.Flush())
		}
		w.CloseWithError(err)
		packed <- err
	}()
	blob, err := j.runner.Stash.Put(ctx, r)
	r.CloseWithError(err)
	if packErr := <-packed; packErr != nil && !errors.Is(packErr, io.ErrClosedPipe) {
		err = packErr
	}
	if errors.Is(err, errTooLarge) {
		err = errTar{fmt.Sprintf("more than %s: the limit of all that is kept", size(j.runner.StashLimit))}
	}
	if errors.Is(err, errHostile) {
		err = errTar{err.Error()}
	}
	s.Content = Content{Blob: blob.ID, Files: p.files, Bytes: p.bytes, New: blob.New}
	s.names, s.special, s.long, s.leaks = p.names, p.special, p.long, p.leaks
	return s, err
}

// pack has the files of a choice packed, by tar or, where the image has none,
// by docker cp.
func (j *job) pack(ctx context.Context, p *packer, c choice, s *stowed) error {
	script, whole := c.script(j.session.hello.Tar)
	p.sift = whole
	code, said, err := j.readFrom(ctx, script, func(r *bufio.Reader) error {
		head, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		found := c.found(head, s)
		if !j.session.hello.Tar {
			return j.copyOut(ctx, p, c.base, found)
		}
		if len(found) == 0 {
			return nil
		}
		return p.add(r, "", rootsOf(found))
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case code != 0 && err == nil && onlyChanged(said):
		s.changed = said
		return nil
	case code != 0:
		return errTar{fmt.Sprintf("tar in the container exited with %d%s", code, behind(said))}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, tar.ErrHeader):
		return errTar{fmt.Sprintf("what tar in the container wrote is no whole tar: %v%s", err, behind(said))}
	}
	return err
}

// readFrom gives read what a script beside the steps prints. An error of read
// ends the script's client.
func (j *job) readFrom(ctx context.Context, script string, read func(*bufio.Reader) error) (code int, said string, err error) {
	r, w, err := os.Pipe() // which the client writes into without a detour through this process
	if err != nil {
		return 0, "", err
	}
	hold, err := newValve("")
	if err != nil {
		return 0, "", errors.Join(err, r.Close(), w.Close())
	}
	defer hold.script.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		buffered := bufio.NewReaderSize(r, 256<<10)
		err := read(buffered)
		hold.release()
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			cancel()
		}
		_, _ = io.Copy(io.Discard, buffered) // what follows the end of a tar
		_ = r.Close()
		done <- err
	}()
	code, said, err = j.outside(ctx, script, hold.script, w)
	_ = w.Close()
	if readErr := <-done; readErr != nil && (err == nil || ctx.Err() != nil) {
		err = readErr
	}
	return code, said, err
}

// maxScript is how long a script may be that is given as an argument, in
// bytes. Linux allows 128 KiB.
const maxScript = 100 << 10

// script prints the numbers of the paths that are not there, in a line, and
// then the tar of the others; of all of base, where they are too many to say.
func (c choice) script(tar bool) (text string, whole bool) {
	var words strings.Builder
	for _, p := range c.paths {
		words.WriteString(" " + quote("./"+p))
	}
	head := "LC_ALL=C; export LC_ALL; cd " + quote(c.base) + " || exit\n"
	if tar && words.Len() > maxScript { // these were listed a moment ago
		return head + "echo missing\n" + sendTar("-cf - ."), true
	}
	text = head + `set --
n=0 missing=
for p in` + words.String() + `; do
	if [ -e "$p" ] || [ -L "$p" ]; then set -- "$@" "$p"; else missing="$missing $n"; fi
	n=$((n + 1))
done
echo "missing$missing"
`
	if tar {
		text += "[ $# = 0 ] && exit\n" + sendTar(`-cf - "$@"`)
	}
	return text, false
}

// found returns the paths that are there, by the first line of the script.
func (c choice) found(head string, s *stowed) []string {
	missing := map[int]bool{}
	for word := range strings.FieldsSeq(strings.TrimPrefix(head, "missing")) {
		if n, err := strconv.Atoi(word); err == nil {
			missing[n] = true
		}
	}
	var found []string
	for i, p := range c.paths {
		if missing[i] {
			s.missing = append(s.missing, p)
		} else {
			found = append(found, p)
		}
	}
	return found
}

// copyOut packs paths that docker cp reads.
func (j *job) copyOut(ctx context.Context, p *packer, base string, paths []string) error {
	for _, name := range paths {
		r, w := io.Pipe()
		go func() {
			w.CloseWithError(j.runner.Docker.CopyOut(ctx, j.container.Name, path.Join(base, name), w))
		}()
		err := p.add(bufio.NewReader(r), path.Dir(name), roots{name: true})
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		_ = r.CloseWithError(err) // ends the client, if it still writes
		if err != nil {
			return err
		}
	}
	return nil
}

// onlyChanged says whether tar complains of nothing but files that others
// wrote or removed while it read them.
func onlyChanged(said string) bool {
	for part := range strings.SplitSeq(said, "; ") {
		changed := strings.Contains(part, "file changed as we read it") || strings.Contains(part, "File removed before we read it")
		if !changed && !strings.Contains(part, "socket ignored") && !strings.Contains(part, "Exiting with failure status") {
			return false
		}
	}
	return said != ""
}
