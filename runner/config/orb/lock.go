package orb

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// LockFile is the name of the lock file among the vendored orbs.
const LockFile = "orbs.lock"

// An Entry is what the lock file says of a reference: the file that holds the
// source, and what it must hash to.
type Entry struct {
	Version string // exact: 5.1.3
	SHA256  string // hex
	File    string // relative to the lock file
}

// A Lock maps references, as they stand in configs, to what they were
// resolved to.
type Lock map[string]Entry

// Lock reads the lock file. One that does not exist is empty.
func (l Library) Lock() (Lock, error) {
	name := path.Join(l.Vendored, LockFile)
	text, err := fs.ReadFile(l.FS, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("lock file %s: %w", name, err)
	}
	return ParseLock(name, text)
}

// ParseLock reads a lock file: one orb a line, as reference, version, hash and
// file. The name is for errors.
func ParseLock(name string, text []byte) (Lock, error) {
	lock := Lock{}
	for i, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		if len(fields) != 4 || !fs.ValidPath(fields[3]) {
			return nil, fmt.Errorf("%s:%d: a line is reference, version, SHA-256 and file: run `popsicle orb vendor` again", name, i+1)
		}
		lock[fields[0]] = Entry{fields[1], fields[2], fields[3]}
	}
	return lock, nil
}

// Format writes a lock file, in the order of the references.
func (l Lock) Format() []byte {
	var b bytes.Buffer
	b.WriteString("# Written by `popsicle orb vendor`: reference, version, SHA-256, file.\n")
	refs := make([]string, 0, len(l))
	for ref := range l {
		refs = append(refs, ref)
	}
	slices.Sort(refs)
	for _, ref := range refs {
		fmt.Fprintf(&b, "%s %s %s %s\n", ref, l[ref].Version, l[ref].SHA256, l[ref].File)
	}
	return b.Bytes()
}

// Sum is the hash of a source as it stands in lock files.
func Sum(source []byte) string {
	sum := sha256.Sum256(source)
	return hex.EncodeToString(sum[:])
}

// vendored reads a locked orb and sees that nobody changed it.
func (l Library) vendored(ref string, e Entry) (*tree.Node, error) {
	name := path.Join(l.Vendored, e.File)
	text, err := fs.ReadFile(l.FS, name)
	if err != nil {
		return nil, fmt.Errorf("%s is locked, but: %w: run `popsicle orb vendor` again", ref, err)
	}
	if got := Sum(text); got != e.SHA256 {
		return nil, fmt.Errorf("%s has the SHA-256 %s, the lock file says %s: run `popsicle orb vendor` again, or undo the change", name, got, e.SHA256)
	}
	return parse(name, text)
}
