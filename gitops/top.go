package gitops

import (
	"os"
	"path/filepath"
)

// Top returns the top of the checkout that holds dir, as Open would name it,
// or "" where there seems to be none. It only looks for .git in the folders
// above, which costs no process: good enough to say whose history is meant.
func Top(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return ""
	}
	for {
		if _, err := os.Lstat(filepath.Join(abs, ".git")); err == nil {
			return abs
		}
		parent := filepath.Dir(abs)
		if parent == abs {
			return ""
		}
		abs = parent
	}
}
