package gitops

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// A Mode is git's mode of a file.
type Mode uint32

// The modes of what a tree holds.
const (
	Regular    Mode = 0o100644
	Executable Mode = 0o100755
	Symlink    Mode = 0o120000
	Submodule  Mode = 0o160000 // a folder; its files are entries of their own
	folder     Mode = 0o040000 // only in git's tree objects
)

// perm is the permission bits the file gets in a container.
func (m Mode) perm() int64 {
	switch m {
	case Regular:
		return 0o644
	case Symlink:
		return 0o777
	}
	return 0o755
}

// A node is one entry of a git tree, by its path from the top.
type node struct {
	path string
	mode Mode
	blob string // object name in hex
}

// tree is the name of the git tree object that holds nodes, which are in the
// order of their paths (an index has the same order as tree objects).
func (f format) tree(nodes []node) (string, error) {
	h := treeHasher{format: f}
	name, rest, err := h.subtree(nodes, "")
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("path %q is out of order", rest[0].path)
	}
	return hex.EncodeToString(name), err
}

// A treeHasher names trees within trees. The objects it is in the midst of
// lie one behind the other in one buffer, the innermost last.
type treeHasher struct {
	format format
	buf    []byte
}

// subtree names the tree object of dir ("" or ending in a slash), which takes
// the first of nodes, and gives the nodes that follow it.
func (h *treeHasher) subtree(nodes []node, dir string) (name []byte, rest []node, err error) {
	start := len(h.buf)
	for len(nodes) > 0 && strings.HasPrefix(nodes[0].path, dir) {
		n := nodes[0]
		mode, base, raw := n.mode, n.path[len(dir):], []byte(nil)
		if i := strings.IndexByte(base, '/'); i >= 0 {
			mode, base = folder, base[:i]
			if raw, nodes, err = h.subtree(nodes, n.path[:len(dir)+i+1]); err != nil {
				return nil, nil, err
			}
		} else {
			nodes = nodes[1:]
		}
		h.buf = strconv.AppendUint(h.buf, uint64(mode), 8)
		h.buf = append(append(append(h.buf, ' '), base...), 0)
		if h.buf, err = appendName(h.buf, raw, n.blob); err != nil {
			return nil, nil, fmt.Errorf("%q: %w", n.path, err)
		}
	}
	name = h.format.object("tree", h.buf[start:])
	h.buf = h.buf[:start]
	return name, nodes, nil
}

// appendName appends an object's name: the raw one, else that in hex.
func appendName(buf, raw []byte, blob string) ([]byte, error) {
	if raw != nil {
		return append(buf, raw...), nil
	}
	return hex.AppendDecode(buf, []byte(blob))
}

// parseTree reads the output of `git ls-tree -z -r`.
func parseTree(out []byte, f format) ([]node, error) {
	records := fields(out)
	nodes := make([]node, 0, len(records))
	for _, record := range records {
		n, err := parseNode(record, f)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// parseNode reads one record of `git ls-tree`: "mode type name\tpath".
func parseNode(record string, f format) (node, error) {
	about, path, found := strings.Cut(record, "\t")
	mode, typed, _ := strings.Cut(about, " ")
	_, blob, _ := strings.Cut(typed, " ")
	bits, err := strconv.ParseUint(mode, 8, 32)
	if err != nil || !found || path == "" || !f.isName(blob) {
		return node{}, fmt.Errorf("git ls-tree: cannot read %q", record)
	}
	return node{path: path, mode: Mode(bits).canonical(), blob: blob}, nil
}

// canonical brings the modes of ancient trees (100664, …) to today's two.
func (m Mode) canonical() Mode {
	switch {
	case m&0o170000 != 0o100000:
		return m
	case m&0o100 != 0:
		return Executable
	}
	return Regular
}
