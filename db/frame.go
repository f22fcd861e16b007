package db

import (
	"encoding/binary"
	"errors"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// frameSize is how much text is compressed at once. A reader of any place in
// a log decodes this much; larger frames hardly become smaller.
const frameSize = 256 << 10

// encoder and decoder are made when the first long log is written or read:
// most commands never need them.
var (
	encoder = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(frameSize))
	})
	decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(8*frameSize))
	})
)

// compress returns text as one zstd frame.
func compress(text []byte) ([]byte, error) {
	e, err := encoder()
	if err != nil {
		return nil, err
	}
	return e.EncodeAll(text, make([]byte, 0, len(text)/8)), nil
}

// decompress returns the text of one zstd frame, which has size bytes.
func decompress(frame []byte, size int) ([]byte, error) {
	d, err := decoder()
	if err != nil {
		return nil, err
	}
	return d.DecodeAll(frame, make([]byte, 0, size))
}

// A mark says when the text that begins at offset was written.
type mark struct {
	offset int64
	time   int64 // unix milliseconds
}

// packMarks writes marks as pairs of differences, a few bytes each.
func packMarks(marks []mark) []byte {
	var packed []byte
	var last mark
	for _, m := range marks {
		packed = binary.AppendUvarint(packed, uint64(m.offset-last.offset))
		packed = binary.AppendVarint(packed, m.time-last.time) // a clock may be set back
		last = m
	}
	return packed
}

// unpackMarks reads what packMarks wrote.
func unpackMarks(packed []byte) ([]mark, error) {
	var marks []mark
	var last mark
	for len(packed) > 0 {
		offset, n := binary.Uvarint(packed)
		if n <= 0 {
			return nil, errMarks
		}
		time, m := binary.Varint(packed[n:])
		if m <= 0 {
			return nil, errMarks
		}
		last = mark{last.offset + int64(offset), last.time + time}
		marks = append(marks, last)
		packed = packed[n+m:]
	}
	return marks, nil
}

var errMarks = errors.New("the time marks of a log are damaged")
