package commands

import (
	"context"
	"testing"
)

func TestPlacesGoRoundTheRepositories(t *testing.T) {
	p := newPlaces(2)
	for range 2 {
		if err := p.take(t.Context(), "long"); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan string, 2)
	for _, repo := range []string{"long", "short"} {
		go func() {
			if p.take(context.Background(), repo) == nil {
				got <- repo
			}
		}()
		for { // until it is in line
			p.mu.Lock()
			in := len(p.waiting) > 0 && p.waiting[len(p.waiting)-1].repo == repo
			p.mu.Unlock()
			if in {
				break
			}
		}
	}
	p.give("long")
	if first := <-got; first != "short" {
		t.Errorf("the place went to %s, which holds one already", first)
	}
	p.give("long")
	if second := <-got; second != "long" {
		t.Errorf("the second place went to %s", second)
	}
}

func TestWhoGivesUpTakesNoPlace(t *testing.T) {
	p := newPlaces(1)
	if err := p.take(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.take(gone, "b"); err == nil {
		t.Error("a place that is taken was given")
	}
	p.give("a")
	if p.free != 1 || len(p.waiting) != 0 || len(p.held) != 0 {
		t.Errorf("%+v", p)
	}
}
