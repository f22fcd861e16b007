package runner

import (
	"context"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// fleet makes a fleet of one engine for an owner, at a dock.
func (d *Dock) fleet(owner string, places int) *Fleet {
	f := NewFleet(event.NewStream(), &Engine{Runner: &Runner{Engine: "one"}, Places: places})
	f.Dock, f.Owner = d, owner
	return f
}

// inLine waits until n jobs wait.
func (d *Dock) inLine(n int) {
	for {
		d.mu.Lock()
		got := len(d.waiting)
		d.mu.Unlock()
		if got == n {
			return
		}
	}
}

func TestJobsWaitForAPlace(t *testing.T) {
	for name, d := range map[string]*Dock{"the engine is full": NewDock(0), "the limit is reached": NewDock(1)} {
		t.Run(name, func(t *testing.T) {
			f := d.fleet("", 1)
			if d.limit > 0 {
				f = d.fleet("", 10)
			}
			one := f.engines[0]
			if e, err := d.take(t.Context(), f, f.engines, &plan.Job{}); e != one || err != nil {
				t.Fatalf("got %v, %v", e, err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if e, err := d.take(ctx, f, f.engines, &plan.Job{}); e != nil || err == nil || len(d.waiting) != 0 {
				t.Errorf("a full engine took another job: %v, %v", e, err)
			}
			waits := make(chan *Engine)
			go func() {
				e, _ := d.take(t.Context(), f, f.engines, &plan.Job{})
				waits <- e
			}()
			d.inLine(1)
			d.give(f, one)
			if e := <-waits; e != one || one.running != 1 || d.running != 1 {
				t.Errorf("got %v with %d and %d running, want the place that was given back", e, one.running, d.running)
			}
			d.give(f, one)
			if len(d.on) != 0 || len(d.held) != 0 || d.running != 0 {
				t.Errorf("%+v", d)
			}
		})
	}
}

func TestPlacesGoRoundTheOwners(t *testing.T) {
	d := NewDock(0)
	long, short := d.fleet("long", 2), d.fleet("short", 2)
	for range 2 {
		if _, err := d.take(t.Context(), long, long.engines, &plan.Job{}); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan string, 2)
	for i, f := range []*Fleet{long, short} {
		go func() {
			if _, err := d.take(t.Context(), f, f.engines, &plan.Job{}); err == nil {
				got <- f.Owner
			}
		}()
		d.inLine(i + 1)
	}
	d.give(long, long.engines[0])
	if first := <-got; first != "short" {
		t.Errorf("the place went to %s, which holds one already", first)
	}
	d.give(long, long.engines[0])
	if second := <-got; second != "long" {
		t.Errorf("the second place went to %s", second)
	}
}

// What waits for an engine of its own does not keep others from theirs.
func TestWhoWaitsHoldsNoPlace(t *testing.T) {
	d := NewDock(2)
	f := NewFleet(event.NewStream(),
		&Engine{Runner: &Runner{Engine: "any"}, Places: 2, Asked: true},
		&Engine{Runner: &Runner{Engine: "gpu"}, Places: 1, Asked: true, Labels: []string{"gpu"}})
	f.Dock = d
	gpu := &plan.Job{ResourceClass: "gpu"}
	if e, _ := d.take(t.Context(), f, f.engines, gpu); e != f.engines[1] {
		t.Fatal(e)
	}
	go func() { _, _ = d.take(t.Context(), f, f.engines, gpu) }()
	d.inLine(1)
	if e, err := d.take(t.Context(), f, f.engines, &plan.Job{}); e != f.engines[0] || err != nil {
		t.Errorf("got %v, %v", e, err)
	}
}

func TestSetLimit(t *testing.T) {
	d := NewDock(1)
	f := d.fleet("", 5)
	here := make(chan bool)
	for range 2 {
		go func() {
			_, err := d.take(t.Context(), f, f.engines, &plan.Job{})
			here <- err == nil
		}()
	}
	<-here
	d.inLine(1)
	d.SetLimit(2)
	if !<-here {
		t.Error("the second got no place")
	}
	d.SetLimit(1) // nobody loses what he holds
	d.give(f, f.engines[0])
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.take(ctx, f, f.engines, &plan.Job{}); err == nil || d.running != 1 {
		t.Errorf("%v: %d run", err, d.running)
	}
}
