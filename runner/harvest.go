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
	"strings"
)

// A harvest reads the files of one path of a container, one after the other,
// straight from a tar that is made there: nothing is unpacked on this host.
// Links to files stand for what they lead to, as far as the container's user
// can read it; links to folders, devices and pipes are left out. Whatever the
// container's tar says, a name is only a name here.
type harvest struct {
	job    *job
	ctx    context.Context
	path   string // absolute, in the container
	folder bool   // path is one

	pass      *pass
	first     string   // the folder that all names of the pass begin with
	links     []string // to be followed
	following bool
	beside    int    // links to folders or to nothing, devices, pipes: left out
	odd       int    // links whose names cannot be asked for
	said      string // what tar could not read
}

// A grown is one file of a harvest.
type grown struct {
	name string // relative to the path, clean; empty where the path is the file
	size int64  // bytes
	twin string // a file before this one that it is a hard link to; its content is that one's
}

// errNothing says that there is nothing at the path of a harvest.
var errNothing = errors.New("no such file or folder")

// noSuchPath is the exit code of the scripts below when they find nothing.
const noSuchPath = 66

// harvest begins to read what is at a path of the config.
func (j *job) harvest(ctx context.Context, p string) *harvest {
	h := &harvest{job: j, ctx: ctx, path: j.abs(p)}
	if j.session.hello.Tar {
		h.pass = j.startPass(ctx, "", h.script())
		return h
	}
	code, _, err := j.outside(ctx, "[ -e "+quote(h.path)+" ] || exit 66", nil, io.Discard)
	if err != nil || code != 0 {
		h.pass = overPass(passEnd{code: code, err: err}) // whoever reads is told
		return h
	}
	h.pass = newPass(func(w *os.File) passEnd {
		return passEnd{err: j.runner.Docker.CopyOut(ctx, j.container.Name, h.path, w)}
	})
	return h
}

// abs is a path of the config in the container.
func (j *job) abs(p string) string {
	home := j.session.hello.Home
	return expand(p, expand(j.plan.WorkDir, home, home), home)
}

func (h *harvest) script() string {
	dir, name := path.Split(h.path)
	return "LC_ALL=C; export LC_ALL; p=" + quote(h.path) + `
if [ -d "$p" ]; then
	cd "$p" || exit
` + sendTar("-cf - .") + `
elif [ -f "$p" ]; then
	cd ` + quote(dir) + ` || exit
` + sendTar("-chf - "+quote("./"+name)) + `
fi
exit 66`
}

// linksAtOnce is how many links a pass follows: their names become arguments.
const linksAtOnce = 1000

// follow asks for the files behind the next links. Their names come one a
// line: not every tar can read them from there.
func (h *harvest) follow() {
	n := min(len(h.links), linksAtOnce)
	names := strings.Join(h.links[:n], "\n") + "\n"
	h.links, h.following = h.links[n:], true
	h.beside += n // those that lead to files are counted back
	h.pass = h.job.startPass(h.ctx, names+"\n", "LC_ALL=C; export LC_ALL; cd "+quote(h.path)+` || exit
while IFS= read -r f && [ "$f" ]; do [ -f "$f" ] && set -- "$@" "$f"; done
[ $# = 0 ] && exit
`+sendTar(`-chf - "$@"`))
}

// next returns the next file, whose content Read then reads; io.EOF after the
// last, errNothing where there is nothing.
func (h *harvest) next() (grown, error) {
	for {
		head, err := h.pass.tar.Next()
		if err == nil {
			if g, ok := h.take(head); ok {
				return g, nil
			}
			continue
		}
		if err := h.end(err); err != nil {
			return grown{}, err
		}
		if len(h.links) == 0 {
			return grown{}, io.EOF
		}
		h.follow()
	}
}

// end looks at how a pass ended: err is how its tar did.
func (h *harvest) end(err error) error {
	end := h.pass.end()
	switch {
	case h.ctx.Err() != nil:
		return h.ctx.Err()
	case end.err != nil:
		return end.err
	case end.code == noSuchPath && !h.folder && !h.following:
		return errNothing
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("%s: tar in the container broke off with exit code %d: %w%s", h.path, end.code, err, behind(end.said))
	case end.code > 128: // what is there is whole files, and nobody knows how many are missing
		return fmt.Errorf("%s: tar in the container was killed: exit code %d", h.path, end.code)
	case end.code != 0 && !h.following:
		h.said = end.said
	}
	return nil
}

// behind is what a program said, behind what is said about it.
func behind(said string) string {
	if said == "" {
		return ""
	}
	return ": " + said
}

// take looks at one entry of the tar.
func (h *harvest) take(head *tar.Header) (grown, bool) {
	name := cleanName(head.Name)
	if head.Typeflag == tar.TypeDir {
		if !h.folder {
			h.folder, h.first = true, name
		}
		return grown{}, false
	}
	name = h.below(name)
	switch head.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		if h.following {
			h.beside--
		}
		return grown{name: name, size: head.Size}, true
	case tar.TypeLink:
		if h.following {
			h.beside--
		}
		return grown{name: name, twin: h.below(cleanName(head.Linkname))}, true
	case tar.TypeSymlink:
		if strings.Contains(name, "\n") || h.following || !h.job.session.hello.Tar {
			h.odd++
			return grown{}, false
		}
		h.links = append(h.links, "./"+name)
		return grown{}, false
	}
	h.beside++
	return grown{}, false
}

// below is a name relative to the path; empty for the path itself.
func (h *harvest) below(name string) string {
	switch {
	case !h.folder:
		return ""
	case h.first == "":
		return name
	}
	return strings.TrimPrefix(name, h.first+"/")
}

// cleanName is a name of a tar without anything that leads elsewhere.
func cleanName(name string) string {
	return strings.ToValidUTF8(path.Clean("/" + name)[1:], "\ufffd")
}

// Read reads the content of the file that next returned.
func (h *harvest) Read(p []byte) (int, error) { return h.pass.tar.Read(p) }

// close gives up what was not read.
func (h *harvest) close() {
	h.pass.whole()
	h.pass.giveUp()
}

// A pass is one tar on its way out of the container.
type pass struct {
	tar    wholeTar
	rest   *bufio.Reader
	whole  func() // lets what makes the tar end: it was read
	giveUp func()
	ended  chan passEnd // holds the end until somebody asks, and again after that
}

// passEnd is how the process that makes a tar ended.
type passEnd struct {
	code int
	said string
	err  error
}

// startPass starts a script that prints a tar, with text on its standard
// input.
func (j *job) startPass(ctx context.Context, text, script string) *pass {
	hold, err := newValve(text)
	if err != nil {
		return overPass(passEnd{err: err})
	}
	p := newPass(func(w *os.File) (e passEnd) {
		e.code, e.said, e.err = j.outside(ctx, script, hold.script, w)
		_ = hold.script.Close()
		return e
	})
	p.whole = hold.release
	return p
}

// newPass runs what writes a tar into a pipe, which the docker client gets as
// it is: the bytes make no detour through this process.
func newPass(write func(w *os.File) passEnd) *pass {
	r, w, err := os.Pipe()
	if err != nil {
		return overPass(passEnd{err: err})
	}
	p := &pass{rest: bufio.NewReaderSize(r, 256<<10), whole: func() {}, ended: make(chan passEnd, 1)}
	p.tar = newWholeTar(p.rest)
	p.giveUp = func() { _ = r.Close() } // the client's next write fails, and it ends
	go func() {
		end := write(w)
		_ = w.Close()
		p.ended <- end
	}()
	return p
}

// overPass is a pass without a tar, which has ended.
func overPass(e passEnd) *pass {
	p := &pass{tar: newWholeTar(strings.NewReader("")), whole: func() {}, giveUp: func() {}, ended: make(chan passEnd, 1)}
	p.ended <- e
	return p
}

// end waits for the process, once its tar was read.
func (p *pass) end() passEnd {
	p.whole()
	if p.rest != nil {
		_, _ = io.Copy(io.Discard, p.rest) // zeros may follow the end of a tar
		p.giveUp()
	}
	end := <-p.ended
	p.ended <- end // a reader that was told of it may ask once more
	return end
}
