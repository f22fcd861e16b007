package gitops

import (
	"time"

	"golang.org/x/sys/unix"
)

// A diskFile is what lstat says of one path.
type diskFile struct {
	stat  unix.Stat_t
	found bool
}

// lstat looks at path; a path that cannot be looked at is not found, as git
// sees it.
func lstat(path string) diskFile {
	var d diskFile
	for {
		err := unix.Lstat(path, &d.stat)
		if err == unix.EINTR {
			continue
		}
		d.found = err == nil
		return d
	}
}

func (d *diskFile) kind() uint32       { return uint32(d.stat.Mode) & unix.S_IFMT }
func (d *diskFile) isFolder() bool     { return d.found && d.kind() == unix.S_IFDIR }
func (d *diskFile) size() int64        { return d.stat.Size }
func (d *diskFile) modTime() time.Time { return time.Unix(d.stat.Mtim.Unix()) }

// mode is how git would record the file; 0 for what git records not at all: a
// folder, a device, a pipe, nothing.
func (d *diskFile) mode() Mode {
	switch {
	case !d.found:
		return 0
	case d.kind() == unix.S_IFLNK:
		return Symlink
	case d.kind() == unix.S_IFREG && d.stat.Mode&0o100 != 0:
		return Executable
	case d.kind() == unix.S_IFREG:
		return Regular
	}
	return 0
}

// A statRules is how far the disk's word is trusted, from the user's config.
type statRules struct {
	noExecutable bool // core.fileMode=false: the disk does not keep the executable bit
	noCTime      bool // core.trustCtime=false: something else on this machine changes ctimes
	minimal      bool // core.checkStat=minimal: only size and mtime mean anything
}

// unchanged tells whether the file on disk is surely the one that git read
// when it wrote the entry. Where there is doubt it says no, and git decides.
func (e *indexEntry) unchanged(d *diskFile, written time.Time, rules statRules) bool {
	s, st := &e.stat, &d.stat
	mode := d.mode()
	if rules.noExecutable && mode != Symlink && e.mode != Symlink {
		mode = e.mode
	}
	ctime := rules.noCTime || rules.minimal ||
		s.ctime == uint32(st.Ctim.Sec) && (s.ctimeNsec == 0 || s.ctimeNsec == uint32(st.Ctim.Nsec))
	owner := rules.minimal || s.ino == uint32(st.Ino) && s.uid == st.Uid && s.gid == st.Gid
	return mode == e.mode && s.size == uint32(st.Size) &&
		s.mtime == uint32(st.Mtim.Sec) && (s.mtimeNsec == 0 || s.mtimeNsec == uint32(st.Mtim.Nsec)) &&
		ctime && owner && !e.racy(written)
}

// racy tells that the file was last changed no earlier than the index was
// written: it may have been changed again since, within one tick of the clock.
func (e *indexEntry) racy(written time.Time) bool {
	if e.stat.mtimeNsec == 0 {
		return int64(e.stat.mtime) >= written.Unix()
	}
	return !time.Unix(int64(e.stat.mtime), int64(e.stat.mtimeNsec)).Before(written)
}

func (s *indexStat) modTime() time.Time { return time.Unix(int64(s.mtime), int64(s.mtimeNsec)) }
