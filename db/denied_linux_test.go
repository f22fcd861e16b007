package db

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestFolderThatMayNotBeWritten opens histories as somebody who may only look
// at their folder.
func TestFolderThatMayNotBeWritten(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "history.db")
	d, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil { // also removes what lies beside the file
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{filepath.Dir(folder): 0o755, path: 0o444, folder: 0o555} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	defer os.Chmod(folder, 0o755)
	if os.Geteuid() == 0 { // root may write everywhere: be nobody, on this thread alone
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := syscall.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer syscall.Setfsuid(0)
	}
	for _, path := range []string{path, filepath.Join(folder, "new", "history.db")} {
		if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "POPSICLE_HOME") {
			t.Errorf("to write: %v", err)
		}
	}
	if _, err := OpenReadOnly(t.Context(), path); err == nil || !strings.Contains(err.Error(), "make its folder writable") {
		t.Errorf("to read: %v", err)
	}
}
