package stash

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// A ref is one chunk of a stream.
type ref struct {
	sum  digest
	size int
}

// A manifest is the chunks of a stream: after a line of text, for each chunk
// its size, as a uvarint, and its SHA-256.
const manifestHead = "popsicle manifest 1\n"

// maxManifest limits the memory that one takes, in bytes: enough for streams
// of 900 GB.
const maxManifest = 64 << 20

func encodeManifest(refs []*ref) []byte {
	b := make([]byte, 0, len(manifestHead)+len(refs)*(binary.MaxVarintLen32+len(digest{})))
	b = append(b, manifestHead...)
	for _, r := range refs {
		b = binary.AppendUvarint(b, uint64(r.size))
		b = append(b, r.sum[:]...)
	}
	return b
}

func decodeManifest(b []byte) ([]ref, error) {
	b, ok := bytes.CutPrefix(b, []byte(manifestHead))
	if !ok {
		return nil, errors.New("no manifest of this popsicle")
	}
	refs := make([]ref, 0, len(b)/(len(digest{})+3))
	total := int64(0)
	for len(b) > 0 {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > maxChunk || len(b) < n+len(digest{}) {
			return nil, fmt.Errorf("cut off or garbled after %d chunks", len(refs))
		}
		if total += int64(size); total > math.MaxInt64-maxChunk {
			return nil, errors.New("too large")
		}
		r := ref{size: int(size)}
		b = b[n+copy(r.sum[:], b[n:]):]
		refs = append(refs, r)
	}
	return refs, nil
}

// refs returns the chunks of what has an ID. The chunk of a single one has an
// unknown size: -1.
func (s *Store) refs(id string) ([]ref, error) {
	sum, single, err := parseID(id)
	if err != nil {
		return nil, err
	}
	if single {
		return []ref{{sum: sum, size: -1}}, nil
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	b, err := s.readChunk(sum, nil)
	if err != nil {
		return nil, err
	}
	refs, err := decodeManifest(b)
	if err != nil {
		err = fmt.Errorf("%s: %w: %w", s.chunkFile(sum), err, ErrDamaged)
	}
	return refs, err
}
