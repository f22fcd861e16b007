package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// waiting is serial groups of the project p, and tells of each wait.
func waiting(dir string) (SerialGroups, chan event.Message) {
	waits := make(chan event.Message, 99)
	l := &listener{hear: func(e event.Event) { waits <- e.(event.Message) }}
	return SerialGroups{Dir: dir, Project: "p", Out: event.NewStream(l)}, waits
}

func TestSerialGroupsTakeTurns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "locks")
	first, _ := waiting(dir)
	second, waits := waiting(dir)
	give, err := first.Take(t.Context(), event.At{Pipeline: 12, Job: "deploy"}, "prod")
	if err != nil {
		t.Fatal(err)
	}
	other, err := second.Take(t.Context(), event.At{Pipeline: 13}, "staging")
	if err != nil {
		t.Fatal(err)
	}
	other()
	taken := make(chan error)
	go func() {
		give, err := second.Take(t.Context(), event.At{Pipeline: 13, Job: "deploy", JobID: 2}, "prod")
		if err == nil {
			give()
		}
		taken <- err
	}()
	if m := <-waits; m.Text != "waits for serial group prod, held by #12/deploy" || m.JobID != 2 || m.Level != event.Info {
		t.Errorf("%+v", m)
	}
	give()
	if err := <-taken; err != nil {
		t.Error(err)
	}
}

func TestAWaitForASerialGroupIsCanceled(t *testing.T) {
	s, waits := waiting(t.TempDir())
	give, err := s.Take(t.Context(), event.At{Pipeline: 12, Job: "deploy"}, "prod")
	if err != nil {
		t.Fatal(err)
	}
	defer give()
	ctx, cancel := context.WithCancel(t.Context())
	taken := make(chan error)
	go func() {
		_, err := s.Take(ctx, event.At{}, "prod")
		taken <- err
	}()
	<-waits
	cancel()
	if err := <-taken; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestSerialGroupsOfOtherProjectsAreOthers(t *testing.T) {
	s, _ := waiting(t.TempDir())
	give, err := s.Take(t.Context(), event.At{}, "prod")
	if err != nil {
		t.Fatal(err)
	}
	defer give()
	s.Project = "q"
	if give, err = s.Take(t.Context(), event.At{}, "prod"); err != nil {
		t.Fatal(err)
	}
	give()
}

func TestSerialGroupsThatCannotBeKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, _ := waiting(file)
	l := &listener{}
	o := &Orchestrator{Jobs: ending(nil), Out: event.NewStream(l), Parallel: 1, Take: s.Take}
	got := o.Run(t.Context(), 1, &plan.Pipeline{Workflows: []*plan.Workflow{serial(flow("w", "a", "b"), "x", "a")}})
	if events := told(l.events); got != event.InfrastructureFail || !strings.Contains(events, "w/a infrastructure_fail (serial group x: mkdir "+file) ||
		!strings.Contains(events, "w/b success\n") {
		t.Errorf("%s\n%s", got, events)
	}
}

// serial puts jobs of a workflow into a serial group.
func serial(w *plan.Workflow, group string, jobs ...string) *plan.Workflow {
	for _, j := range w.Jobs {
		for _, name := range jobs {
			if j.Name == name {
				j.SerialGroup = group
			}
		}
	}
	return w
}

// Two nodes of one job run beside each other, two jobs of one group do not;
// nor do those of another run on this host, and what waits takes no place.
func TestJobsOfASerialGroupRunOneAtATime(t *testing.T) {
	dir := t.TempDir()
	var inGroup, most, others atomic.Int32
	jobs := fakeJobs(func(_ context.Context, at event.At, j *plan.Job) Outcome {
		if j.SerialGroup == "" {
			others.Add(1)
			return Outcome{Status: event.Success}
		}
		if n := inGroup.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer inGroup.Add(-1)
		return Outcome{Status: event.Failed}
	})
	ended := make(chan event.Status)
	for range 2 {
		s, _ := waiting(dir)
		s.Out = event.NewStream()
		o := &Orchestrator{Jobs: jobs, Out: s.Out, Parallel: 9, Take: s.Take}
		w := serial(flow("w", "a", "b", "c", "d", "free < a:failed"), "x", "a", "b", "c", "d")
		go func() { ended <- o.Run(t.Context(), 1, &plan.Pipeline{Workflows: []*plan.Workflow{w}}) }()
	}
	for range 2 {
		if s := <-ended; s != event.Failed {
			t.Errorf("ended as %s", s)
		}
	}
	if most.Load() != 1 || others.Load() != 2 {
		t.Errorf("%d jobs of a group at once; %d others ran", most.Load(), others.Load())
	}
}

func TestWhatWaitsForASerialGroupTakesNoPlace(t *testing.T) {
	s, waits := waiting(t.TempDir())
	give, err := s.Take(t.Context(), event.At{Pipeline: 1, Job: "deploy"}, "x")
	if err != nil {
		t.Fatal(err)
	}
	started, status := hold(t.Context(), &Orchestrator{Parallel: 1, Take: s.Take}, serial(flow("w", "a", "b"), "x", "a"))
	<-waits
	b := <-started
	if b.name != "b" {
		t.Errorf("%s started", b.name)
	}
	b.end <- event.Success
	give()
	a := <-started
	a.end <- event.Success
	if got := <-status; got != event.Success {
		t.Errorf("ended as %s", got)
	}
}

func TestCancelOfARunThatWaitsForASerialGroup(t *testing.T) {
	s, waits := waiting(t.TempDir())
	give, err := s.Take(t.Context(), event.At{Pipeline: 1, Job: "deploy"}, "x")
	if err != nil {
		t.Fatal(err)
	}
	defer give()
	ctx, cancel := context.WithCancel(t.Context())
	_, status := hold(ctx, &Orchestrator{Parallel: 1, Take: s.Take}, serial(flow("w", "a", "b < a"), "x", "a"))
	<-waits
	cancel()
	if got := <-status; got != event.Canceled {
		t.Errorf("ended as %s", got)
	}
}

// A job group holds its lock until it gives it back, or until nothing of the
// workflow is left that could.
func TestJobGroupsHoldTheirLock(t *testing.T) {
	for _, unlock := range []string{"unlock < in:success|failed", "other < in"} {
		s, waits := waiting(t.TempDir())
		w := flow("w", "lock", "in < lock", unlock)
		w.Jobs[0].Kind, w.Jobs[0].SerialGroup = plan.Lock, "x"
		if strings.HasPrefix(unlock, "unlock") {
			w.Jobs[2].Kind, w.Jobs[2].SerialGroup = plan.Unlock, "x"
		}
		started, status := hold(t.Context(), &Orchestrator{Parallel: 1, Take: s.Take}, w)
		(<-started).end <- event.Success // lock
		in := <-started
		taken := make(chan func())
		go func() {
			give, _ := s.Take(context.Background(), event.At{Pipeline: 2}, "x")
			taken <- give
		}()
		<-waits
		select {
		case <-taken:
			t.Fatal("the lock was free inside of the group")
		default:
		}
		in.end <- event.Success
		(<-started).end <- event.Success
		(<-taken)()
		if got := <-status; got != event.Success {
			t.Errorf("ended as %s", got)
		}
	}
}
