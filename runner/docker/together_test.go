package docker

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestTogether(t *testing.T) {
	dir := t.TempDir()
	bell, log := filepath.Join(dir, "bell"), filepath.Join(dir, "log")
	if err := syscall.Mkfifo(bell, 0o600); err != nil {
		t.Fatal(err)
	}
	// The client for "first" ends when the bell is let go.
	c := fake(t, `echo "$*" >>`+log+`
shift 3
[ "$1" != first ] || read -r _ <`+bell+`
for n; do if [ $n = broken ]; then echo "Error: no space left" >&2; bad=1; else echo $n; fi; done
exit ${bad:-0}
`)
	c.Together = &Together{}
	var all sync.WaitGroup
	remove := func(name string) {
		all.Go(func() {
			if there, err := c.remove(t.Context(), name); there == (name == "broken") || there == (err != nil) {
				t.Errorf("%s: %v, %v", name, there, err)
			}
		})
	}
	remove("first")
	held, err := os.OpenFile(bell, os.O_WRONLY, 0) // returns once the client listens
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "broken"} {
		remove(name)
	}
	for !c.Together.waits(3) {
		runtime.Gosched()
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	said, _ := os.ReadFile(log)
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	// first; then all the others at once; then, since that failed, each alone.
	if len(lines) != 5 || lines[0] != "rm --force --volumes first" || len(strings.Fields(lines[1])) != 6 {
		t.Errorf("the client ran so:\n%s", said)
	}
}

// waits says whether so many callers wait for the next batch.
func (t *Together) waits(callers int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range t.waiting {
		return b.callers == callers
	}
	return false
}
