package runner

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/stash"
)

// unpack is the script that unpacks a tar in the container. Everything belongs
// to the container's user, whoever packed it; folders that are there stay as
// they are, where tar can do that, for they may be somebody else's.
const unpack = `LC_ALL=C; export LC_ALL
o=
case $(tar --version 2>/dev/null) in *GNU*) o=--no-overwrite-dir ;; esac
exec tar -xpof - $o
`

// endOfTar is what ends a tar, and what Content lacks.
var endOfTar = make([]byte, 1024)

// unstow unpacks contents, one after the other, into a folder of the
// container, by its own tar and as its own user. parents are the folders that
// must be there before, where the image has no tar.
func (j *job) unstow(ctx context.Context, dir string, contents []Content, parents []string) error {
	readers, err := j.open(contents)
	if err != nil {
		return err
	}
	defer func() {
		for _, r := range readers {
			r.Close()
		}
	}()
	write := func(w io.Writer) error {
		for _, r := range readers {
			if _, err := r.WriteTo(w); err != nil {
				return err
			}
		}
		_, err := w.Write(endOfTar)
		return err
	}
	if j.session.hello.Tar {
		return j.untarBeside(ctx, "mkdir -p "+quote(dir)+" && cd "+quote(dir)+" || exit\n"+unpack, write)
	}
	return j.copyInto(ctx, dir, parents, write)
}

// open opens all before anything is unpacked: what is gone is noticed here.
func (j *job) open(contents []Content) ([]*stash.Reader, error) {
	var readers []*stash.Reader
	for _, c := range contents {
		r, err := j.runner.Stash.Open(c.Blob)
		if err != nil {
			for _, r := range readers {
				r.Close()
			}
			return nil, err
		}
		readers = append(readers, r)
	}
	return readers, nil
}

// untarBeside feeds a script beside the steps with what write writes.
func (j *job) untarBeside(ctx context.Context, script string, write func(io.Writer) error) error {
	r, w, err := os.Pipe() // which the client reads from without a detour through this process
	if err != nil {
		return err
	}
	written := make(chan error, 1)
	go func() {
		err := write(w)
		_ = w.Close()
		written <- err
	}()
	code, said, err := j.outside(ctx, script, r, io.Discard)
	_ = r.Close()
	if writeErr := <-written; errors.Is(writeErr, stash.ErrDamaged) {
		return writeErr
	}
	if err == nil && code != 0 {
		err = errTar{fmt.Sprintf("tar in the container exited with %d: %s", code, said)}
	}
	return err
}

// copyInto unpacks by docker cp, which keeps the owners that the tar names.
func (j *job) copyInto(ctx context.Context, dir string, parents []string, write func(io.Writer) error) error {
	var lines strings.Builder
	for _, p := range append([]string{dir}, parents...) {
		lines.WriteString(path.Join(dir, p) + "\n")
	}
	code, said, err := j.outside(ctx, `while IFS= read -r d; do [ -d "$d" ] || mkdir -p "$d" || exit; done`, strings.NewReader(lines.String()), io.Discard)
	if err == nil && code != 0 {
		err = errTar{said}
	}
	if err != nil {
		return err
	}
	plain, toPlain := io.Pipe()
	owned, toOwned := io.Pipe()
	go func() { toPlain.CloseWithError(write(toPlain)) }()
	go func() { toOwned.CloseWithError(own(plain, toOwned, *j.facts)) }()
	err = j.runner.Docker.CopyInto(ctx, j.container.Name, dir, owned)
	_ = owned.Close()
	_ = plain.Close()
	return err
}

// own copies a tar and gives everything in it to a user.
func own(r io.Reader, w io.Writer, f Facts) error {
	in, out := tar.NewReader(r), tar.NewWriter(w)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return out.Close()
		}
		if err != nil {
			return err
		}
		h.Uid, h.Gid = f.UID, f.GID
		if err := out.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
	}
}
