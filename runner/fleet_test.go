package runner

import (
	"context"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

func TestPlace(t *testing.T) {
	arm := plan.Image{Name: "app", Platform: "linux/arm64"}
	tests := []struct {
		name string
		job  plan.Job
		full []string // engines that have no place
		down []string
		want string // engine, or the error; "": the job waits
	}{
		{name: "the first of those that are equally empty", want: "local"},
		{name: "the emptiest", full: []string{"local"}, want: "big"},
		{name: "none has a place", full: []string{"local", "big", "arm"}},
		{name: "a label", job: plan.Job{ResourceClass: "gpu"}, want: "big"},
		{name: "a label with a namespace", job: plan.Job{ResourceClass: "acme/gpu"}, want: "big"},
		{name: "a label whose engine is full waits", job: plan.Job{ResourceClass: "gpu"}, full: []string{"big"}},
		{name: "a label whose engine is gone", job: plan.Job{ResourceClass: "gpu"}, down: []string{"big"}, want: "no engine with the label gpu answers: popsicle runners check"},
		{name: "a class that is no label", job: plan.Job{ResourceClass: "large"}, want: "local"},
		{name: "the architecture of the image", job: plan.Job{Images: []plan.Image{arm}}, want: "arm"},
		{name: "the architecture of the class", job: plan.Job{ResourceClass: "arm.medium"}, want: "arm"},
		{name: "emulated, where that engine is gone", job: plan.Job{Images: []plan.Image{arm}}, down: []string{"arm"}, want: "local"},
		{name: "everything is gone", down: []string{"local", "big", "arm"}, want: errNowhere.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := NewFleet(event.NewStream(),
				&Engine{Runner: &Runner{Name: "local", Arch: "amd64"}, Places: 2, Asked: true},
				&Engine{Runner: &Runner{Name: "big", Arch: "amd64"}, Places: 2, Asked: true, Labels: []string{"gpu"}},
				&Engine{Runner: &Runner{Name: "arm", Arch: "arm64"}, Places: 2, Asked: true})
			for _, e := range f.engines {
				for _, name := range tt.full {
					if e.Name == name {
						e.running = e.Places
					}
				}
				for _, name := range tt.down {
					if e.Name == name {
						e.state = engineDown
					}
				}
			}
			e, err := f.place(&tt.job)
			got := ""
			switch {
			case err != nil:
				got = err.Error()
			case e != nil:
				got = e.Name
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestBoardWaitsForAPlace(t *testing.T) {
	one := &Engine{Runner: &Runner{Name: "one"}, Places: 1, Asked: true}
	f := NewFleet(event.NewStream(), one)
	if e, err := f.board(t.Context(), &plan.Job{}); e != one || err != nil {
		t.Fatalf("got %v, %v", e, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if e, err := f.board(ctx, &plan.Job{}); e != nil || err == nil {
		t.Errorf("a full engine took another job: %v, %v", e, err)
	}
	waits := make(chan *Engine)
	go func() {
		e, _ := f.board(t.Context(), &plan.Job{})
		waits <- e
	}()
	f.leave(one)
	if e := <-waits; e != one || one.running != 1 {
		t.Errorf("got %v with %d running, want the place that was given back", e, one.running)
	}
}
