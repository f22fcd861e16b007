package runner

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"slices"
	"strings"
	"time"
)

// A packer copies the tars of a container into the one that is kept. What the
// tar of a container prints is a stranger's: every name is checked, and only
// what was checked is written.
type packer struct {
	to    *tar.Writer
	limit int64 // bytes of all files; 0: none
	mask  *Mask // knows the secrets that no file should hold
	sift  bool  // what lies outside of the roots is passed over, not refused

	files   int
	bytes   int64
	special int // devices, pipes: left out
	long    int // names that no program can open: left out
	links   map[string]bool
	names   []string // of all but folders
	leaks   []leak
}

// A leak is a file that holds the secrets of variables.
type leak struct {
	name      string
	variables []string
}

// mostLeaks is how many files with secrets are named: a log that is kept a
// thousand times is one mistake.
const mostLeaks = 20

// longestName is how long a path may be, in bytes, to be of use to anybody:
// PATH_MAX of Linux, with its end and the slash before a relative one.
const longestName = 4096 - 2

// errHostile is wrapped by errors about a tar that no tar program writes.
var errHostile = errors.New("refused")

// errTooLarge says that there is more than the limit.
var errTooLarge = errors.New("too large")

// add copies a tar. Its names are taken from base, and must be one of roots or
// below it.
func (p *packer) add(r io.Reader, base string, roots roots) error {
	in := newWholeTar(r)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := p.entry(in, h, base, roots); err != nil {
			return err
		}
	}
}

func (p *packer) entry(r io.Reader, h *tar.Header, base string, roots roots) error {
	if p.sift && !roots.hold(path.Join(base, h.Name)) {
		return nil
	}
	name, err := p.place(h.Name, base, roots)
	if err != nil || name == "." {
		return err
	}
	if len(name) > longestName || len(h.Linkname) > longestName {
		p.long++
		return nil
	}
	out := &tar.Header{
		Typeflag: h.Typeflag, Name: name, Mode: h.Mode & 0o7777, ModTime: h.ModTime.Truncate(time.Second),
		Format: tar.FormatGNU, // the one that also busybox reads long names of
	}
	switch h.Typeflag {
	case tar.TypeDir:
		out.Name += "/"
	case tar.TypeReg, tar.TypeGNUSparse:
		out.Typeflag, out.Size = tar.TypeReg, h.Size
	case tar.TypeSymlink:
		out.Linkname = h.Linkname
		if p.links == nil {
			p.links = map[string]bool{}
		}
		p.links[name] = true
	case tar.TypeLink:
		if out.Linkname, err = p.place(h.Linkname, base, roots); err != nil {
			return err
		}
	default:
		p.special++
		return nil
	}
	if out.Typeflag != tar.TypeDir {
		p.files++
		p.names = append(p.names, name)
	}
	if p.bytes += out.Size; p.limit > 0 && p.bytes > p.limit {
		return errTooLarge
	}
	if err := p.to.WriteHeader(out); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return p.content(r, name)
}

// place returns where something of a tar belongs, relative to where the kept
// tar is unpacked. It refuses what would not end up below roots.
func (p *packer) place(name, base string, roots roots) (string, error) {
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", fmt.Errorf("%w: the container's tar names %q, which leads elsewhere", errHostile, name)
		}
	}
	if path.IsAbs(name) {
		return "", fmt.Errorf("%w: the container's tar names %q, which is absolute", errHostile, name)
	}
	at := path.Join(base, name)
	if !roots.hold(at) {
		return "", fmt.Errorf("%w: the container's tar names %q, which nobody asked for", errHostile, name)
	}
	if len(p.links) == 0 {
		return at, nil
	}
	for dir := range above(at) {
		if p.links[dir] {
			return "", fmt.Errorf("%w: the container's tar puts %q behind the link %q", errHostile, name, dir)
		}
	}
	return at, nil
}

// above yields the folders that a clean relative path lies in, the outermost
// first. A path can be deep: nothing is copied.
func above(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range len(name) {
			if name[i] == '/' && !yield(name[:i]) {
				return
			}
		}
	}
}

// roots are paths that something may be at or below: relative, clean, with
// slashes; "." is all.
type roots map[string]bool

func rootsOf(paths []string) roots {
	r := roots{}
	for _, p := range paths {
		r[p] = true
	}
	return r
}

// hold says whether a clean path is one of the roots or below one.
func (r roots) hold(name string) bool {
	if name == ".." || strings.HasPrefix(name, "../") || path.IsAbs(name) {
		return false
	}
	if r["."] || r[name] {
		return true
	}
	for dir := range above(name) {
		if r[dir] {
			return true
		}
	}
	return false
}

// content copies a file, and looks for secrets in it on its way.
func (p *packer) content(r io.Reader, name string) error {
	if p.mask.empty() || len(p.leaks) == mostLeaks {
		_, err := io.Copy(p.to, r)
		return err
	}
	scan := p.mask.Scan()
	_, err := io.Copy(p.to, io.TeeReader(r, scan))
	if found := scan.Found(); len(found) > 0 {
		p.leaks = append(p.leaks, leak{name, found})
	}
	return err
}

// outermost drops paths that are there twice or lie in another one, so that
// nothing is packed twice.
func outermost(paths []string) []string {
	all := rootsOf(paths)
	var kept []string
	for _, p := range paths {
		if !all[p] || p != "." && all.hold(path.Dir(p)) {
			continue
		}
		kept = append(kept, p)
	}
	slices.Sort(kept)
	return slices.Compact(kept)
}
