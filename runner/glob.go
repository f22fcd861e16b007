package runner

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path"
	"strings"
)

// A glob is a pattern of persist_to_workspace, relative to the root: that of
// Go's path.Match, part by part, in which ** is no more than *.
type glob struct {
	pattern string
	dir     string // the part before the first wildcard
	depth   int    // how many names the rest has; 0: there is none
}

// parseGlob reads a pattern. One that leads out of the root is refused.
func parseGlob(pattern string) (glob, error) {
	clean := path.Clean(pattern)
	if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		return glob{}, fmt.Errorf("path %s leads out of the root", pattern)
	}
	if _, err := path.Match(clean, ""); err != nil {
		return glob{}, fmt.Errorf("path %s is no pattern: %w", pattern, err)
	}
	parts := strings.Split(clean, "/")
	for i, part := range parts {
		if strings.ContainsAny(part, `*?[\`) {
			return glob{pattern: clean, dir: path.Join(".", path.Join(parts[:i]...)), depth: len(parts) - i}, nil
		}
	}
	return glob{pattern: clean, dir: clean}, nil
}

// lister prints what lies in folders of the container, down to a depth, each
// name ended by a zero. Names that begin with a dot count, as in Go.
const lister = `list() {
	for f in "$1"/* "$1"/.[!.]* "$1"/..?*; do
		[ -e "$f" ] || [ -L "$f" ] || continue
		printf '%s\0' "$f"
		if [ "$2" -gt 1 ] && [ -d "$f" ]; then list "$f" $(($2 - 1)); fi
	done
}
`

// match returns the paths below root that patterns name. A path without
// wildcards is returned as it is, whether it is there or not.
func (j *job) match(ctx context.Context, root string, patterns []glob) ([]string, error) {
	script := lister + "cd " + quote(root) + " || exit\n"
	var paths []string
	wild := false
	for _, g := range patterns {
		switch {
		case g.depth == 0:
			paths = append(paths, g.dir)
		case g.pattern == "*":
			paths = append(paths, ".") // what a tar of the root's own folder holds
		default:
			wild = true
			script += fmt.Sprintf("list %s %d\n", quote("./"+g.dir), g.depth)
		}
	}
	if !wild {
		return paths, nil
	}
	code, said, err := j.readFrom(ctx, script, func(r *bufio.Reader) error {
		for {
			name, err := r.ReadString(0)
			if err != nil {
				return untilEnd(err)
			}
			name = path.Clean(strings.TrimSuffix(name, "\x00"))
			for _, g := range patterns {
				if ok, _ := path.Match(g.pattern, name); ok && g.depth > 0 { // the pattern was checked
					paths = append(paths, name)
					break
				}
			}
		}
	})
	if err == nil && code != 0 {
		err = errTar{said}
	}
	return paths, err
}

// untilEnd makes nil of the end of a file.
func untilEnd(err error) error {
	if err == io.EOF { //nolint:errorlint // a bufio.Reader returns it as it is
		return nil
	}
	return err
}
