package gitops

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// An index is git's list of tracked files, with what the disk said about each
// when git last looked. It is read here and not by go-git, which refuses
// SHA-256, drops the assume-unchanged bit and takes some ten times as long.
type index struct {
	entries []indexEntry // ordered by path, then stage
	written time.Time    // mtime of the index file
}

// An indexEntry is one tracked path, or one side of it in a conflict.
type indexEntry struct {
	node
	stat     indexStat
	stage    int  // 0, or 1 to 3 in a conflict
	absent   bool // skip-worktree: a sparse checkout may leave the file out
	intended bool // intent-to-add: only the name is tracked, no content yet
}

// An indexStat is what the index keeps of a file's lstat, cut to 32 bits.
type indexStat struct {
	ctime, ctimeNsec, mtime, mtimeNsec, dev, ino, uid, gid, size uint32
}

// errIndex is for an index that is not read here: it is split over two files,
// has whole folders as entries, or is damaged. Git knows which.
var errIndex = errors.New("the index has a shape that only git reads")

const (
	indexFixed      = 40 // bytes of an entry before its object name
	flagExtended    = 0x4000
	flagNameLength  = 0x0fff
	extSkipWorktree = 0x4000
	extIntentToAdd  = 0x2000
)

// readIndex reads the index file at path. A file that is not there is an
// index without entries: nothing was ever added.
func readIndex(path string, f format) (*index, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &index{}, nil
	}
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	entries, err := decodeIndex(data, f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &index{entries: entries, written: info.ModTime()}, nil
}

// decodeIndex reads the entries of an index of version 2, 3 or 4.
func decodeIndex(data []byte, f format) ([]indexEntry, error) {
	if len(data) < 12+f.size || !bytes.HasPrefix(data, []byte("DIRC")) {
		return nil, errIndex
	}
	d := indexDecoder{data: data[12 : len(data)-f.size], format: f, version: binary.BigEndian.Uint32(data[4:])}
	if d.version < 2 || d.version > 4 {
		return nil, errIndex
	}
	n := int(binary.BigEndian.Uint32(data[8:]))
	if n > len(d.data)/(indexFixed+f.size+2) {
		return nil, errIndex
	}
	entries := make([]indexEntry, 0, n)
	for range n {
		e, err := d.entry()
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, d.extensions()
}

// An indexDecoder walks over the bytes between an index's header and trailer.
type indexDecoder struct {
	data    []byte
	format  format
	version uint32
	last    string // the path before, of which version 4 says only the difference
}

// entry reads the next entry.
func (d *indexDecoder) entry() (indexEntry, error) {
	head := indexFixed + d.format.size + 2
	if len(d.data) < head {
		return indexEntry{}, errIndex
	}
	e := indexEntry{stat: decodeIndexStat(d.data)}
	e.mode = Mode(binary.BigEndian.Uint32(d.data[24:]))
	e.blob = hex.EncodeToString(d.data[indexFixed : head-2])
	flags := binary.BigEndian.Uint16(d.data[head-2:])
	e.stage = int(flags>>12) & 3
	if flags&flagExtended != 0 {
		if d.version < 3 || len(d.data) < head+2 {
			return indexEntry{}, errIndex
		}
		ext := binary.BigEndian.Uint16(d.data[head:])
		e.absent, e.intended = ext&extSkipWorktree != 0, ext&extIntentToAdd != 0
		head += 2
	}
	if e.mode == folder {
		return indexEntry{}, errIndex
	}
	return e, d.path(&e, head)
}

// path reads the name of e, which begins after head bytes, and moves on.
func (d *indexDecoder) path(e *indexEntry, head int) error {
	rest, keep := d.data[head:], 0
	if d.version == 4 {
		drop, n := offsetVarint(rest)
		if n == 0 || drop > uint64(len(d.last)) {
			return errIndex
		}
		keep, rest = len(d.last)-int(drop), rest[n:]
	}
	end := bytes.IndexByte(rest, 0)
	if end < 0 || keep+end == 0 || keep+end > maxPath {
		return errIndex
	}
	e.path = d.last[:keep] + string(rest[:end])
	if d.version == 4 {
		d.data, d.last = rest[end+1:], e.path
		return nil
	}
	size := (head + end + 8) &^ 7 // at least one NUL, up to a multiple of 8
	if size > len(d.data) {
		return errIndex
	}
	d.data = d.data[size:]
	return nil
}

// extensions looks over what follows the entries. Names in capitals may be
// passed over; others change what the entries mean.
func (d *indexDecoder) extensions() error {
	for len(d.data) >= 8 {
		size := int64(binary.BigEndian.Uint32(d.data[4:]))
		if name := d.data[0]; name < 'A' || name > 'Z' {
			return errIndex
		}
		if size > int64(len(d.data)-8) {
			return errIndex
		}
		d.data = d.data[8+size:]
	}
	return nil
}

// decodeIndexStat reads the ten numbers an entry begins with; the mode, in
// their middle, is not among the result.
func decodeIndexStat(b []byte) indexStat {
	n := func(i int) uint32 { return binary.BigEndian.Uint32(b[4*i:]) }
	return indexStat{ctime: n(0), ctimeNsec: n(1), mtime: n(2), mtimeNsec: n(3), dev: n(4), ino: n(5), uid: n(7), gid: n(8), size: n(9)}
}

// offsetVarint reads git's "offset" number: seven bits a byte, the highest
// first, each further byte worth one more. n is 0 when b is too short.
func offsetVarint(b []byte) (value uint64, n int) {
	for n < len(b) && n < 9 {
		c := b[n]
		n++
		value = value<<7 | uint64(c&0x7f)
		if c&0x80 == 0 {
			return value, n
		}
		value++
	}
	return 0, 0
}

// conflict is the first path that two sides of a merge still dispute.
func (x *index) conflict() string {
	for i := range x.entries {
		if x.entries[i].stage != 0 {
			return x.entries[i].path
		}
	}
	return ""
}

// nodes are the entries that a commit of this index would hold.
func (x *index) nodes() []node {
	nodes := make([]node, 0, len(x.entries))
	for i := range x.entries {
		if e := &x.entries[i]; e.stage == 0 && !e.intended {
			nodes = append(nodes, e.node)
		}
	}
	return nodes
}

// indexPath is where the index of this source lies.
func (r *Repo) indexPath(src Source) string {
	switch {
	case src.IndexFile == "":
		return filepath.Join(r.GitDir, "index")
	case filepath.IsAbs(src.IndexFile):
		return src.IndexFile
	}
	return filepath.Join(r.Root, src.IndexFile)
}
