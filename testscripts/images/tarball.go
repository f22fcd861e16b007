package images

import (
	"archive/tar"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// A tarball is a tar stream being written. The first error ends it, and is
// told by close.
type tarball struct {
	w    *tar.Writer
	made map[string]bool // folders that are in it already
	err  error
}

func newTarball(w io.Writer) *tarball {
	return &tarball{w: tar.NewWriter(w), made: map[string]bool{}}
}

// put adds one entry.
func (t *tarball) put(h tar.Header, content []byte) {
	if t.err == nil {
		t.err = t.w.WriteHeader(&h)
	}
	if t.err == nil && len(content) > 0 {
		_, t.err = t.w.Write(content)
	}
}

// dir adds a folder, with those above it, unless it is there.
func (t *tarball) dir(name string, mode int64) { t.mkdir(name, mode, 0) }

// owned adds a folder that belongs to a user.
func (t *tarball) owned(name string, uid int) { t.mkdir(name, 0o755, uid) }

func (t *tarball) mkdir(name string, mode int64, uid int) {
	if name == "." || t.made[name] {
		return
	}
	t.mkdir(path.Dir(name), 0o755, 0)
	t.made[name] = true
	t.put(tar.Header{Name: name + "/", Typeflag: tar.TypeDir, Mode: mode, Uid: uid, Gid: uid}, nil)
}

// file adds a small text file.
func (t *tarball) file(name, text string) {
	t.dir(path.Dir(name), 0o755)
	t.put(tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}, []byte(text))
}

// tree adds a file or folder of the host under a name.
func (t *tarball) tree(from, name string) {
	if t.err != nil {
		return
	}
	t.err = filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		return t.host(p, path.Join(name, filepath.ToSlash(rel)), d)
	})
}

// host adds one regular file or folder of the host; other kinds are left out.
func (t *tarball) host(from, name string, d fs.DirEntry) error {
	if d.IsDir() {
		t.dir(name, 0o755)
		return t.err
	}
	if !d.Type().IsRegular() {
		return nil
	}
	info, err := d.Info()
	if err != nil {
		return err
	}
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	t.put(tar.Header{Name: name, Mode: int64(info.Mode().Perm()), Size: info.Size()}, nil)
	if t.err != nil {
		return t.err
	}
	_, err = io.Copy(t.w, f)
	return err
}

// close ends the stream.
func (t *tarball) close() error {
	if t.err != nil {
		return t.err
	}
	return t.w.Close()
}
