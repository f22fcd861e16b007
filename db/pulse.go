package db

import (
	"context"
	"sync"
	"time"
)

// A pulse lets all in this process who wait for the history to change share
// one Watch: however many wait, one connection is kept.
type pulse struct {
	mu      sync.Mutex
	waiting int
	next    chan struct{} // closed at the next change
	stop    context.CancelFunc
}

// pulseTime is how often a pulse looks whether something was written.
const pulseTime = 200 * time.Millisecond

// Await calls look, and again whenever something was written to the history
// by any process, until look is done or fails, or ctx ends.
func (d *DB) Await(ctx context.Context, look func() (done bool, err error)) error {
	d.pulse.join(d)
	defer d.pulse.leave()
	for {
		next := d.pulse.beat() // before the look: what is written after it is seen
		if done, err := look(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next:
		}
	}
}

func (p *pulse) join(d *DB) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting++; p.waiting > 1 {
		return
	}
	ctx, stop := context.WithCancel(context.Background()) // it outlives the one that begins it
	p.stop, p.next = stop, make(chan struct{})
	go p.run(ctx, d)
}

func (p *pulse) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting--; p.waiting == 0 {
		p.stop()
	}
}

func (p *pulse) beat() chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.next
}

// run beats at every change, until ctx ends; and at every look, where the
// history cannot be watched: those who wait see what is wrong with it.
func (p *pulse) run(ctx context.Context, d *DB) {
	watch, err := d.Watch(ctx)
	if err == nil {
		defer watch.Close()
	}
	tick := time.NewTicker(pulseTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		changed := true
		if err == nil {
			changed, err = watch.Changed(ctx)
		}
		if changed || err != nil {
			p.wake(ctx)
		}
	}
}

func (p *pulse) wake(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() == nil { // else the channel is another run's
		close(p.next)
		p.next = make(chan struct{})
	}
}
