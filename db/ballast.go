package db

import (
	"crypto/rand"
	"errors"
	"os"
)

// ballastSize is the room, in bytes, that a file beside the history keeps on
// its disk. It is given up when the disk is full and a run ends: how the run
// ended then still finds a place.
const ballastSize = 1 << 20

func (d *DB) ballast() string { return d.path + "-ballast" }

// takeBallast makes the file where it is missing. Without it a full disk may
// cost the end of a run's record: that is no reason to fail.
func (d *DB) takeBallast() {
	if _, err := os.Stat(d.ballast()); err == nil {
		return
	}
	noise := make([]byte, ballastSize) // of zeros, a file system may keep none
	_, _ = rand.Read(noise)            // never fails
	temp := d.ballast() + "-new"
	if err := errors.Join(os.WriteFile(temp, noise, 0o600), os.Rename(temp, d.ballast())); err != nil {
		_ = os.Remove(temp) // there is no room for it
	}
}

// dropBallast gives the room up, and says whether there was any.
func (d *DB) dropBallast() bool { return os.Remove(d.ballast()) == nil }
