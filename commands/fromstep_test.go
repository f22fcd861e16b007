package commands

import (
	"slices"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// stepsOf makes steps of their commands, whose names those are, or NAME=COMMAND.
func stepsOf(commands ...string) (steps []plan.Step) {
	for _, c := range commands {
		s := plan.Step{Name: c, When: plan.OnSuccess, Do: plan.Run{Command: c}}
		if name, command, named := strings.Cut(c, "="); named {
			s.Name, s.Do = name, plan.Run{Command: command}
		}
		steps = append(steps, s)
	}
	return steps
}

func TestStepOfThenIsStepOfNow(t *testing.T) {
	then := []string{"setup=make", "lint", "test=go test"}
	for _, c := range []struct {
		name    string
		now     []string
		to      int
		changed []string
		fails   bool
	}{
		{"nothing has changed", then, 2, nil, false},
		{"its command has", []string{"setup=make", "lint", "test=go test -v"}, 2, nil, false},
		{"its command is its name", []string{"setup=make", "lint", "go test -v"}, 2, nil, false},
		{"one before it has", []string{"setup=make all", "lint", "test=go test"}, 2, []string{"setup"}, false},
		{"one is new before it", []string{"setup=make", "deps", "lint", "test=go test"}, 3, []string{"deps"}, false},
		{"one is gone before it", []string{"lint", "test=go test"}, 1, []string{"setup"}, false},
		{"it is gone", []string{"setup=make", "lint"}, 0, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := runner.Kept{Name: "job", Pipeline: 7}
			for i, s := range stepsOf(then...) {
				k.Steps = append(k.Steps, runner.KeptStep{Number: i + 2, Name: s.Name, Hash: s.Hash()})
			}
			now := &plan.Job{Name: "job", Steps: stepsOf(c.now...)}
			to, err := sameStep(k, 2, now)
			if to != c.to || (err != nil) != c.fails {
				t.Fatalf("step %d, %v; want %d", to, err, c.to)
			}
			if err != nil {
				return
			}
			if got := changedBefore(k, 2, now, to); !slices.Equal(got, c.changed) {
				t.Errorf("changed are %q, want %q", got, c.changed)
			}
		})
	}
}
