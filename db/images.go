package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// ImageFacts is what a job found out about an image, so that the next one
// need not ask.
type ImageFacts struct {
	Image    string // image id, or the reference where there is none
	User     string // as the config names it; empty: the image's own
	UID, GID int    // of that user
	Home     string
	Shell    string // the best shell that is there
	HasTar   bool
	HasGit   bool
	HasBash  bool
	Arch     string
	Seen     time.Time // when this was found out
}

// ImageFacts returns what is known of an image under a user, or ErrNotFound.
func (d *DB) ImageFacts(ctx context.Context, image, user string) (f ImageFacts, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT image, user, uid, gid, home, shell, has_tar, has_git, has_bash, arch, seen_time
		FROM image_facts WHERE image = ? AND user = ?`, image, user).
		Scan(&f.Image, &f.User, &f.UID, &f.GID, &f.Home, &f.Shell, &f.HasTar, &f.HasGit, &f.HasBash, &f.Arch, (*moment)(&f.Seen))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("image %s: %w", image, ErrNotFound)
	}
	return f, d.wrap(err)
}

// PutImageFacts remembers f in place of what was known before.
func (d *DB) PutImageFacts(ctx context.Context, f ImageFacts) error {
	return d.change(ctx, `INSERT OR REPLACE INTO image_facts
		(image, user, uid, gid, home, shell, has_tar, has_git, has_bash, arch, seen_time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		f.Image, f.User, f.UID, f.GID, f.Home, f.Shell, f.HasTar, f.HasGit, f.HasBash, f.Arch, moment(f.Seen))
}
