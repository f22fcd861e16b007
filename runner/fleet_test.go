package runner

import (
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
				&Engine{Runner: &Runner{Name: "local", Engine: "local", Arch: "amd64"}, Places: 2, Asked: true},
				&Engine{Runner: &Runner{Name: "big", Engine: "big", Arch: "amd64"}, Places: 2, Asked: true, Labels: []string{"gpu"}},
				&Engine{Runner: &Runner{Name: "arm", Engine: "arm", Arch: "arm64"}, Places: 2, Asked: true})
			for _, e := range f.engines {
				for _, name := range tt.full {
					if e.Name == name {
						f.Dock.on[e.Engine] = e.Places
					}
				}
				for _, name := range tt.down {
					if e.Name == name {
						e.state = engineDown
					}
				}
			}
			e, err := f.place(f.engines, &tt.job)
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
