// Package orb finds and reads the sources of orbs: vendored copies of orbs of
// the registry, files, and unpacked folders (src/@orb.yml with commands/, jobs/
// and executors/ beside it), which it packs into one document.
package orb

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// A Ref is a reference to an orb of the registry: circleci/node@5.1.
type Ref struct{ Namespace, Name, Version string }

// ParseRef reads a reference. It is false for what is none: a path or a URL.
func ParseRef(s string) (Ref, bool) {
	name, version, ok := strings.Cut(s, "@")
	namespace, name, slash := strings.Cut(name, "/")
	if !ok || !slash || namespace == "" || name == "" || version == "" || strings.Contains(name, "/") || strings.HasPrefix(namespace, ".") {
		return Ref{}, false
	}
	return Ref{namespace, name, version}, true
}

// String is the reference as written in configs.
func (r Ref) String() string { return r.Namespace + "/" + r.Name + "@" + r.Version }

// IsURL tells whether an orb is named by its address.
func IsURL(s string) bool { return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") }

// A Library is where a checkout's orbs are: those that `popsicle orb vendor`
// fetched, and files and folders of the checkout itself.
type Library struct {
	FS       fs.FS  // the checkout
	Vendored string // the folder of vendored orbs in it, ".popsicle/orbs"
}

// Orb gives an orb's source by what stands in a config.
func (l Library) Orb(ref string) (*tree.Node, error) {
	_, registered := ParseRef(ref)
	if !registered && !IsURL(ref) {
		return Read(l.FS, path.Clean(ref))
	}
	lock, err := l.Lock()
	if err != nil {
		return nil, err
	}
	entry, have := lock[ref]
	if !have {
		return nil, errors.New("it is not vendored: run `popsicle orb vendor` once; from then on it is found offline")
	}
	return l.vendored(ref, entry)
}

// A Folder holds orbs by their names alone, for looking at many configs
// without fetching every version: any version of any namespace is the one
// that is there. Scripts that their files include may be missing.
type Folder struct{ FS fs.FS }

// Orb gives the source of an orb by the name in its reference.
func (f Folder) Orb(ref string) (*tree.Node, error) {
	r, ok := ParseRef(ref)
	if !ok {
		return nil, errors.New("it is no orb of the registry")
	}
	for _, p := range []string{"src", "src/orb.yml", "orb.yml"} {
		if n, err := (&packer{fsys: f.FS, root: path.Join(r.Name, p), lax: true}).orb(); !errors.Is(err, fs.ErrNotExist) {
			return n, err
		}
	}
	return nil, fmt.Errorf("there is no folder %s: %w", r.Name, fs.ErrNotExist)
}
