package docker

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// Together lets those who remove things at the same time share a client: what
// is asked for while one runs, the next one does at once. The start of a client
// takes as long as what it is asked to do. The zero value is ready.
type Together struct {
	mu      sync.Mutex
	waiting map[string]*batch // by what is done
	running map[string]bool
}

// A batch is what one client does, for so many callers.
type batch struct {
	names   []string
	callers int
	done    chan struct{}
	said    string
	err     error
}

// batchTime is how long one client may take.
const batchTime = 30 * time.Second

// jointly runs docker with verb on names, of which others may have some, and
// returns what it said of all.
func (c CLI) jointly(ctx context.Context, verb []string, names ...string) (string, error) {
	if c.Together == nil || !c.dialect().echoes {
		return c.output(ctx, slices.Concat(verb, names)...)
	}
	b := c.Together.join(c, verb, names)
	select {
	case <-b.done:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if b.err != nil && b.callers > 1 { // whose fault is it?
		return c.output(ctx, slices.Concat(verb, names)...)
	}
	return b.said, b.err
}

// join puts names into the next batch, and sees to it that there is one.
func (t *Together) join(c CLI, verb, names []string) *batch {
	key := strings.Join(verb, " ")
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting == nil {
		t.waiting, t.running = map[string]*batch{}, map[string]bool{}
	}
	b := t.waiting[key]
	if b == nil {
		b = &batch{done: make(chan struct{})}
		t.waiting[key] = b
	}
	b.names, b.callers = append(b.names, names...), b.callers+1
	if !t.running[key] {
		t.running[key] = true
		go t.run(c, key, verb)
	}
	return b
}

// run does one batch after the other, until nobody waits.
func (t *Together) run(c CLI, key string, verb []string) {
	for b := t.next(key); b != nil; b = t.next(key) {
		ctx, cancel := context.WithTimeout(context.Background(), batchTime)
		b.said, b.err = c.output(ctx, slices.Concat(verb, b.names)...)
		cancel()
		close(b.done)
	}
}

func (t *Together) next(key string) *batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.waiting[key]
	delete(t.waiting, key)
	t.running[key] = b != nil
	return b
}
