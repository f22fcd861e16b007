package gitops

import "strings"

// Since tells how the tree differs from a copy that holds m: the files to
// write, and the paths to delete before that. A folder of which nothing is
// left is one path, to be deleted with all that is in it. A file that is the
// same but for its mtime is not written. Where nothing is to be written,
// changed is empty but not nil, which TarOptions would take for everything.
func (t *Tree) Since(m Manifest) (changed []File, deleted []string) {
	old, now := m.Files, t.Files
	changed = []File{}
	folders := foldersOf(t.Files)
	for len(old) > 0 || len(now) > 0 {
		switch {
		case len(now) == 0 || len(old) > 0 && old[0].Path < now[0].Path:
			deleted = appendDeleted(deleted, folders, old[0].Path)
			old = old[1:]
		case len(old) == 0 || now[0].Path < old[0].Path:
			changed = append(changed, now[0])
			now = now[1:]
		default:
			if !sameFile(&old[0], &now[0]) {
				changed = append(changed, now[0])
			}
			if (old[0].Mode == Submodule) != (now[0].Mode == Submodule) {
				deleted = append(deleted, now[0].Path) // a folder gives way to a file, or the other way round
			}
			old, now = old[1:], now[1:]
		}
	}
	return changed, deleted
}

// sameFile compares what is tested. The size is looked at too: with filters,
// files of one blob may differ on disk.
func sameFile(a, b *File) bool { return a.Mode == b.Mode && a.Blob == b.Blob && a.Size == b.Size }

// foldersOf is every folder that has a file, "" included.
func foldersOf(files []File) map[string]bool {
	folders := map[string]bool{"": true}
	for i := range files {
		dir := parent(files[i].Path)
		if files[i].Mode == Submodule {
			dir = files[i].Path
		}
		for ; !folders[dir]; dir = parent(dir) {
			folders[dir] = true
		}
	}
	return folders
}

// appendDeleted adds path, or the highest folder above it that is gone.
func appendDeleted(deleted []string, folders map[string]bool, path string) []string {
	for dir := parent(path); !folders[dir]; dir = parent(dir) {
		path = dir
	}
	if n := len(deleted); n > 0 && isUnder(path, deleted[n-1]) {
		return deleted
	}
	return append(deleted, path)
}

// isUnder tells whether path lies in dir or is dir.
func isUnder(path, dir string) bool {
	return strings.HasPrefix(path, dir) && (len(path) == len(dir) || path[len(dir)] == '/')
}
