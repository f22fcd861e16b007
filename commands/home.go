package commands

import (
	"context"
	"os"
	"path/filepath"
	"runtime"

	"github.com/popsicle-ci/popsicle/db"
)

// home is the folder of everything popsicle keeps: POPSICLE_HOME, else the
// user's data folder (XDG on Linux, the platform's own on macOS).
func home() (string, error) {
	if dir := os.Getenv("POPSICLE_HOME"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) && runtime.GOOS != "darwin" {
		return filepath.Join(dir, "popsicle"), nil
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", usage("%w: set POPSICLE_HOME to a folder for the history", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(user, "Library", "Application Support", "popsicle"), nil
	}
	return filepath.Join(user, ".local", "share", "popsicle"), nil
}

// historyFile is the one file all popsicle processes of a user share.
func historyFile() (string, error) {
	dir, err := home()
	return filepath.Join(dir, "history.db"), err
}

// leases is the folder in home that holds the leases of runs.
const leases = "leases"

// locks is the folder in home that holds those of serial groups.
const locks = "locks"

// openHistory opens the history to read it.
func openHistory(ctx context.Context) (*db.DB, error) {
	file, err := historyFile()
	if err != nil {
		return nil, err
	}
	return db.OpenReadOnly(ctx, file)
}
