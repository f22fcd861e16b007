package gitops

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// guardTime is how often the size of a mirror is looked at while it grows.
const guardTime = 500 * time.Millisecond

// guard returns a context that ends, with ErrTooLarge as its cause, when the
// mirror grows beyond what it may have.
func (m *Mirror) guard(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := func() { cancel(nil) }
	if m.MaxBytes <= 0 {
		return ctx, stop
	}
	go func() {
		tick := time.NewTicker(guardTime)
		defer tick.Stop()
		for {
			if size := folderSize(m.Dir); size > m.MaxBytes {
				cancel(fmt.Errorf("%w: it has %d MB, %d are allowed: raise max_size", ErrTooLarge, size>>20, m.MaxBytes>>20))
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return ctx, stop
}

// folderSize is the size of all files below dir, as far as it can be read.
func folderSize(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // it may be gone by now
		}
		if info, err := d.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	return size
}
