package gitops

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Each sign of a change counts on its own, and the rules of the user's
// configuration take back just the ones they name.
func TestUnchanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	d := lstat(path)
	st := d.stat
	good := indexEntry{node: node{mode: Regular}, stat: indexStat{ctime: uint32(st.Ctim.Sec), ctimeNsec: uint32(st.Ctim.Nsec),
		mtime: uint32(st.Mtim.Sec), mtimeNsec: uint32(st.Mtim.Nsec), ino: uint32(st.Ino), uid: st.Uid, gid: st.Gid, size: 4}}
	later := d.modTime().Add(time.Second)
	for _, test := range []struct {
		name    string
		edit    func(e *indexEntry)
		rules   statRules
		written time.Time
		want    bool
	}{
		{"the same", func(*indexEntry) {}, statRules{}, later, true},
		{"size", func(e *indexEntry) { e.stat.size++ }, statRules{minimal: true}, later, false},
		{"mtime", func(e *indexEntry) { e.stat.mtime-- }, statRules{minimal: true}, later, false},
		{"part of a second", func(e *indexEntry) { e.stat.mtimeNsec ^= 1 }, statRules{}, later, false},
		{"no parts of seconds", func(e *indexEntry) { e.stat.mtimeNsec, e.stat.ctimeNsec = 0, 0 }, statRules{}, later, true},
		{"ctime", func(e *indexEntry) { e.stat.ctime-- }, statRules{}, later, false},
		{"ctime not trusted", func(e *indexEntry) { e.stat.ctime-- }, statRules{noCTime: true}, later, true},
		{"another file", func(e *indexEntry) { e.stat.ino++ }, statRules{noCTime: true}, later, false},
		{"another owner", func(e *indexEntry) { e.stat.uid++ }, statRules{}, later, false},
		{"only the minimum", func(e *indexEntry) { e.stat.ino++; e.stat.ctime--; e.stat.gid++ }, statRules{minimal: true}, later, true},
		{"mode", func(e *indexEntry) { e.mode = Executable }, statRules{}, later, false},
		{"mode not kept", func(e *indexEntry) { e.mode = Executable }, statRules{noExecutable: true}, later, true},
		{"link", func(e *indexEntry) { e.mode = Symlink }, statRules{noExecutable: true}, later, false},
		{"index as young", func(*indexEntry) {}, statRules{}, d.modTime(), false},
		{"index a tick younger", func(*indexEntry) {}, statRules{}, d.modTime().Add(1), true},
		{"index as young by the second", func(e *indexEntry) { e.stat.mtimeNsec = 0 }, statRules{}, time.Unix(int64(st.Mtim.Sec), 999_999_999), false},
	} {
		e := good
		test.edit(&e)
		if got := e.unchanged(&d, test.written, test.rules); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}
