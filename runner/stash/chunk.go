package stash

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	chunkers "github.com/PlakarKorp/go-cdc-chunkers"
	_ "github.com/PlakarKorp/go-cdc-chunkers/chunkers/fastcdc" // the algorithm below
)

// The sizes of chunks, in bytes. Smaller ones find more in common and cost
// more files; these make some 2,000 files of a gigabyte.
const (
	minChunk    = 128 << 10
	normalChunk = 512 << 10
	maxChunk    = 2 << 20
)

// algorithm cuts by content, so that a change moves the borders next to it
// and no others. https://www.usenix.org/conference/atc16/technical-sessions/presentation/xia
const algorithm = "fastcdc-v1.0.0"

// cut calls f with each chunk of a stream, in order; the bytes are only lent.
// An empty stream is one empty chunk.
func (s *Store) cut(r io.Reader, f func([]byte) error) error {
	head := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(head)
	n, err := io.ReadFull(r, (*head)[:minChunk])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return f((*head)[:n]) // a small one needs no chunker
	}
	if err != nil {
		return err
	}
	scan := s.scanners.Get().(*[]byte)
	defer s.scanners.Put(scan)
	c, err := chunkers.NewChunkerBuffer(algorithm, io.MultiReader(bytes.NewReader((*head)[:n]), r),
		&chunkers.ChunkerOpts{MinSize: minChunk, NormalSize: normalChunk, MaxSize: maxChunk}, *scan)
	if err != nil {
		return err
	}
	for {
		chunk, end := c.Next()
		if end != nil && !errors.Is(end, io.EOF) {
			return end
		}
		if len(chunk) > 0 {
			if err := f(chunk); err != nil {
				return err
			}
		}
		if end != nil {
			return nil
		}
	}
}

// A digest names a chunk: the SHA-256 of its content.
type digest [sha256.Size]byte

func (d digest) String() string { return hex.EncodeToString(d[:]) }

func parseDigest(s string) (d digest, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(d) {
		return d, fmt.Errorf("stash: %q is no SHA-256", s)
	}
	copy(d[:], b)
	return d, nil
}

// chunkDir is the folder of a chunk within the stash: one of 256.
func (d digest) chunkDir() string { return filepath.Join("chunks", hex.EncodeToString(d[:1])) }

func (s *Store) chunkFile(d digest) string {
	return filepath.Join(s.dir, d.chunkDir(), d.String())
}

// writeChunk keeps a chunk, and returns how many bytes that took on the disk:
// none where it is there already. The file gets its name when it is whole.
func (s *Store) writeChunk(chunk []byte) (d digest, added int64, err error) {
	d = sha256.Sum256(chunk)
	name := s.chunkFile(d)
	if info, err := os.Stat(name); err == nil && info.Size() > 0 { // a power cut leaves empty ones
		return d, 0, nil
	}
	buf := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buf)
	data := s.encoder.EncodeAll(chunk, (*buf)[:0])
	return d, int64(len(data)), s.writeFile(d, data)
}

func (s *Store) writeFile(d digest, data []byte) error {
	f, err := s.createTemp()
	if err != nil {
		return s.hinted(err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.rename(f.Name(), d)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // else the next Sweep does it
	}
	return s.hinted(err)
}

// hinted says what to do about a disk that is full.
func (s *Store) hinted(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("the disk of %s is full: popsicle gc removes what is not needed there, popsicle cache prune --cache-size 1GB the oldest caches: %w", s.dir, err)
	}
	return err
}

func (s *Store) createTemp() (*os.File, error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, "tmp"), "chunk-*")
	if errors.Is(err, fs.ErrNotExist) {
		if err = s.mkdir("tmp"); err == nil {
			f, err = os.CreateTemp(filepath.Join(s.dir, "tmp"), "chunk-*")
		}
	}
	return f, err
}

func (s *Store) rename(temp string, d digest) error {
	err := os.Rename(temp, s.chunkFile(d))
	if errors.Is(err, fs.ErrNotExist) {
		if err = s.mkdir(d.chunkDir()); err == nil {
			err = os.Rename(temp, s.chunkFile(d))
		}
	}
	return err
}

// readChunk returns a chunk in buf, or in more where that is too short. What
// is not what it is called is removed.
func (s *Store) readChunk(d digest, buf []byte) ([]byte, error) {
	name := s.chunkFile(d)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", name, ErrDamaged)
	}
	if err != nil {
		return nil, err
	}
	chunk, err := s.decoder.DecodeAll(data, buf[:0])
	if err == nil && sha256.Sum256(chunk) == d {
		return chunk, nil
	}
	return nil, errors.Join(fmt.Errorf("%s: %w", name, ErrDamaged), os.Remove(name))
}
