package gitops

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"
	"math"
	"time"
)

// An indexWriter writes an index of version 3 with as few promises as can be:
// of a file only size and mtime are said, and those only where they are sure.
type indexWriter struct {
	w      *bufio.Writer
	sum    hash.Hash
	format format
	buf    []byte
}

// encodeIndex writes entries, which are in order.
func encodeIndex(w io.Writer, f format, entries []indexEntry) error {
	x := indexWriter{sum: f.hash(), format: f}
	x.w = bufio.NewWriter(io.MultiWriter(w, x.sum))
	x.buf = append(x.buf, "DIRC"...)
	x.buf = binary.BigEndian.AppendUint32(x.buf, 3)
	x.buf = binary.BigEndian.AppendUint32(x.buf, uint32(len(entries)))
	for i := range entries {
		if err := x.entry(&entries[i]); err != nil {
			return err
		}
	}
	if _, err := x.w.Write(x.buf); err != nil {
		return err
	}
	if err := x.w.Flush(); err != nil {
		return err
	}
	_, err := w.Write(x.sum.Sum(nil))
	return err
}

// entry appends one entry and writes out what the buffer holds.
func (x *indexWriter) entry(e *indexEntry) error {
	start := len(x.buf)
	for _, n := range []uint32{0, 0, e.stat.mtime, 0, 0, 0, uint32(e.mode), 0, 0, e.stat.size} {
		x.buf = binary.BigEndian.AppendUint32(x.buf, n)
	}
	name, err := hex.DecodeString(e.blob)
	if err != nil {
		return err
	}
	x.buf = append(x.buf, name...)
	flags := uint16(min(len(e.path), flagNameLength))
	if e.absent {
		x.buf = binary.BigEndian.AppendUint16(x.buf, flags|flagExtended)
		x.buf = binary.BigEndian.AppendUint16(x.buf, extSkipWorktree)
	} else {
		x.buf = binary.BigEndian.AppendUint16(x.buf, flags)
	}
	x.buf = append(x.buf, e.path...)
	size := (len(x.buf) - start + 8) &^ 7
	x.buf = append(x.buf, make([]byte, start+size-len(x.buf))...)
	_, err = x.w.Write(x.buf)
	x.buf = x.buf[:0]
	return err
}

// commitIndex is the index of a fresh checkout of the commit into which the
// tested files were put: git sees at once, by size and mtime, which are the
// commit's own, and finds every other one changed. Times are those of the tar,
// or of base where the files already lie there.
func (t *Tree) commitIndex(base *Manifest) []indexEntry {
	entries := make([]indexEntry, len(t.commit))
	files, kept := t.Files, []File(nil)
	if base != nil {
		kept = base.Files
	}
	left := t.left
	for i, n := range t.commit {
		e := &entries[i]
		e.node = n
		left = skipTo(left, n.path, func(path string) string { return path })
		e.absent = len(left) > 0 && left[0] == n.path
		files = skipTo(files, n.path, func(f File) string { return f.Path })
		kept = skipTo(kept, n.path, func(f File) string { return f.Path })
		if len(files) == 0 || files[0].node() != n || t.converts {
			continue
		}
		at := files[0].ModTime
		if len(kept) > 0 && kept[0].Path == n.path && sameFile(&kept[0], &files[0]) {
			at = kept[0].ModTime
		}
		e.stat = sureStat(files[0].Size, at)
	}
	return entries
}

// skipTo drops what comes before path from an ordered list.
func skipTo[T any](list []T, path string, of func(T) string) []T {
	for len(list) > 0 && of(list[0]) < path {
		list = list[1:]
	}
	return list
}

// sureStat is the stat of a file that is just as the commit has it. What does
// not fit into 32 bits, or says nothing to git, is left for git to find out.
func sureStat(size int64, at time.Time) indexStat {
	seconds := at.Unix()
	if size > math.MaxUint32 || seconds <= 0 || seconds > math.MaxUint32 {
		return indexStat{}
	}
	return indexStat{mtime: uint32(seconds), size: uint32(size)}
}
