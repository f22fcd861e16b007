package runner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// SerialGroups are the serial groups of a project on this host. At any time
// one job of a group runs, or one job group, whichever process it is in: each
// has a file that its holder has locked, which the kernel unlocks whatever way
// the process ends.
// https://circleci.com/docs/guides/orchestrate/controlling-serial-execution-across-your-organization/
type SerialGroups struct {
	Dir     string // holds the files
	Project string
	Out     *event.Stream
}

// turnEvery is how often a held group is asked for. The kernel can wait for a
// lock, but not for a cancel beside it.
const turnEvery = 100 * time.Millisecond

// Take waits until the group is free, says who holds it as long as it is not,
// and returns what gives it back. The end of ctx ends the wait.
func (s SerialGroups) Take(ctx context.Context, at event.At, group string) (giveBack func(), err error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("serial group %s: %w", group, err)
	}
	sum := sha256.Sum256([]byte(s.Project + "\x00" + group))
	file := filepath.Join(s.Dir, hex.EncodeToString(sum[:16])+".lock")
	lock := flock.New(file, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	ticker := time.NewTicker(turnEvery)
	defer ticker.Stop()
	for told := ""; ; {
		switch ok, err := lock.TryLock(); {
		case err != nil:
			return nil, fmt.Errorf("serial group %s: %w", group, err)
		case ok:
			sign(file, fmt.Sprintf("#%d/%s", at.Pipeline, at.Job))
			return func() { sign(file, ""); _ = lock.Unlock() }, nil // the process's end unlocks it in any case
		}
		if by, _ := os.ReadFile(file); string(by) != told && len(by) > 0 {
			told = string(by)
			s.Out.Emit(event.Message{At: at, Level: event.Info, Text: "waits for serial group " + group + ", held by " + told})
		}
		select {
		case <-ctx.Done():
			_ = lock.Close() // it holds nothing
			return nil, ctx.Err()
		case <-ticker.C:
		}
	}
}

// sign writes the holder's name into the file of a group. It is for those who
// wait to read: the lock holds without it.
func sign(file, name string) { _ = os.WriteFile(file, []byte(name), 0o600) }
