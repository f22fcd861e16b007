package gitops

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// A format is how a repository names its objects.
type format struct {
	name string
	size int // bytes of a name
	hash func() hash.Hash
}

var (
	sha1Format   = format{name: "sha1", size: sha1.Size, hash: sha1.New}
	sha256Format = format{name: "sha256", size: sha256.Size, hash: sha256.New}
)

// formatNamed finds the format that git calls name.
func formatNamed(name string) (format, error) {
	switch name {
	case sha1Format.name:
		return sha1Format, nil
	case sha256Format.name:
		return sha256Format, nil
	}
	return format{}, fmt.Errorf("unknown object format %q: this popsicle knows sha1 and sha256", name)
}

// isName tells whether s is a full object name in hex.
func (f format) isName(s string) bool {
	if len(s) != 2*f.size {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil
}

// zero is the name that no object has.
func (f format) zero() string { return hex.EncodeToString(make([]byte, f.size)) }

// object names the object of that kind and content, in raw bytes.
func (f format) object(kind string, content []byte) []byte {
	h := f.hash()
	fmt.Fprintf(h, "%s %d\x00", kind, len(content))
	h.Write(content)
	return h.Sum(nil)
}
