package gitops

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"time"
)

// A Manifest is the list of a tree's files: what a copy of the tree that is
// kept somewhere holds, so that later only the difference has to go there.
type Manifest struct {
	Hash  string // of the tree
	Files []File // by path
}

// Manifest lists the files of the tree.
func (t *Tree) Manifest() Manifest { return Manifest{Hash: t.Hash, Files: t.Files} }

const (
	manifestMagic = "popsicle manifest 1\n"
	maxPath       = 1 << 16 // bytes; no file system has longer ones
)

// Encode writes the manifest in its compact form: some thirty bytes a file.
func (m Manifest) Encode(w io.Writer) error {
	sum := crc32.NewIEEE()
	buffered := bufio.NewWriter(io.MultiWriter(w, sum))
	e := manifestEncoder{w: buffered}
	e.text(manifestMagic)
	e.name(m.Hash)
	e.number(uint64(len(m.Files)))
	last := ""
	for i := range m.Files {
		e.file(&m.Files[i], last)
		last = m.Files[i].Path
	}
	if e.err != nil {
		return e.err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return binary.Write(w, binary.BigEndian, sum.Sum32())
}

// A manifestEncoder writes numbers and texts. Write errors stay in w until it
// is flushed.
type manifestEncoder struct {
	w   *bufio.Writer
	buf [binary.MaxVarintLen64]byte
	err error
}

func (e *manifestEncoder) text(s string) { _, _ = e.w.WriteString(s) } // Flush tells

func (e *manifestEncoder) number(n uint64) {
	_, _ = e.w.Write(binary.AppendUvarint(e.buf[:0], n)) // Flush tells
}

// name writes an object name in hex as bytes.
func (e *manifestEncoder) name(s string) {
	raw, err := hex.DecodeString(s)
	if err != nil {
		e.err = fmt.Errorf("object name %q: %w", s, err)
	}
	e.number(uint64(len(raw)))
	e.text(string(raw))
}

// file writes one file; of its path only what the last one has not.
func (e *manifestEncoder) file(f *File, last string) {
	same := 0
	for same < len(last) && same < len(f.Path) && last[same] == f.Path[same] {
		same++
	}
	e.number(uint64(same))
	e.number(uint64(len(f.Path) - same))
	e.text(f.Path[same:])
	e.number(uint64(f.Mode))
	e.name(f.Blob)
	e.number(uint64(f.Size))
	_, _ = e.w.Write(binary.AppendVarint(e.buf[:0], f.ModTime.Unix())) // Flush tells
}

// ErrManifest is for bytes that are no whole manifest of this version. Its
// remedy is to make the copy it describes anew.
var ErrManifest = errors.New("not a manifest that this version of popsicle wrote")

// DecodeManifest reads what Encode wrote. Anything else is an ErrManifest;
// errors of r are passed on.
func DecodeManifest(r io.Reader) (Manifest, error) {
	d := manifestDecoder{r: bufio.NewReader(r)}
	m := d.manifest()
	want := d.sum
	got := d.bytes(4)
	if d.err == nil && binary.BigEndian.Uint32(got) != want {
		d.err = ErrManifest
	}
	if errors.Is(d.err, io.EOF) || errors.Is(d.err, io.ErrUnexpectedEOF) {
		d.err = ErrManifest
	}
	if d.err != nil {
		return Manifest{}, d.err
	}
	return m, nil
}

// A manifestDecoder reads numbers and texts, and after the first mistake
// nothing more.
type manifestDecoder struct {
	r     *bufio.Reader
	sum   uint32 // of all that was read
	space []byte
	err   error
}

func (d *manifestDecoder) manifest() Manifest {
	if string(d.bytes(uint64(len(manifestMagic)))) != manifestMagic {
		d.fail()
	}
	m := Manifest{Hash: d.name()}
	last := ""
	// The number of files is not believed but in small: the files come first.
	n := d.number()
	for i := uint64(0); i < n && d.err == nil; i++ {
		f := d.file(last)
		m.Files = append(m.Files, f)
		last = f.Path
	}
	return m
}

func (d *manifestDecoder) file(last string) File {
	same := d.number()
	if same > uint64(len(last)) {
		d.fail()
		same = 0
	}
	f := File{Path: last[:same] + string(d.bytes(d.number()))}
	f.Mode = Mode(d.number())
	f.Blob = d.name()
	f.Size = int64(d.number())
	f.ModTime = time.Unix(d.signed(), 0)
	if d.err == nil && (f.Path <= last || !validPath(f.Path) || !f.Mode.valid() || f.Size < 0) {
		d.fail()
	}
	return f
}

func (d *manifestDecoder) name() string {
	n := d.number()
	if n != uint64(sha1Format.size) && n != uint64(sha256Format.size) {
		d.fail()
	}
	return hex.EncodeToString(d.bytes(n))
}

func (d *manifestDecoder) fail() {
	if d.err == nil {
		d.err = ErrManifest
	}
}

// bytes reads n bytes, which are few and stand until the next are read.
func (d *manifestDecoder) bytes(n uint64) []byte {
	if n > maxPath {
		d.fail()
	}
	if d.err != nil {
		return nil
	}
	d.space = slices.Grow(d.space[:0], int(n))[:n]
	_, d.err = io.ReadFull(d.r, d.space)
	d.sum = crc32.Update(d.sum, crc32.IEEETable, d.space)
	return d.space
}

// ReadByte is for the numbers.
func (d *manifestDecoder) ReadByte() (byte, error) {
	if d.err != nil {
		return 0, d.err
	}
	var one [1]byte
	one[0], d.err = d.r.ReadByte()
	d.sum = crc32.Update(d.sum, crc32.IEEETable, one[:])
	return one[0], d.err
}

func (d *manifestDecoder) number() uint64 {
	n, err := binary.ReadUvarint(d)
	if err != nil {
		d.fail()
	}
	return n
}

func (d *manifestDecoder) signed() int64 {
	n, err := binary.ReadVarint(d)
	if err != nil {
		d.fail()
	}
	return n
}

// valid tells whether m is a mode that a tree holds.
func (m Mode) valid() bool {
	return m == Regular || m == Executable || m == Symlink || m == Submodule
}

// validPath tells whether a path stays inside the checkout, and outside its
// .git. git itself sees to it, but a commit may be made by anything.
func validPath(path string) bool {
	if path == "" || len(path) > maxPath || strings.Contains(path, "\x00") {
		return false
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || strings.EqualFold(part, ".git") {
			return false
		}
	}
	return true
}
