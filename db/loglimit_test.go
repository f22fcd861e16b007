package db

import (
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A log that is too long ends with a note, and a later step still has room.
func TestLogLimit(t *testing.T) {
	d := open(t)
	id, r := begin(t, d)
	r.run.logLimit = 5_000_000
	handle(t, r, event.JobQueued{At: jobAt(1, 0)})
	for range 100 {
		handle(t, r, event.Output{At: stepAt(1, 1, 0), Text: strings.Repeat("x", 99_999) + "\n"})
	}
	handle(t, r,
		event.StepFinished{At: stepAt(1, 1, 0), Status: event.Success},
		event.Output{At: stepAt(1, 2, 0), Text: "why it failed\n"},
		event.StepFinished{At: stepAt(1, 2, 0), Status: event.Failed},
	)
	for range 3 {
		handle(t, r, event.Output{At: stepAt(1, 3, 0), Text: strings.Repeat("y", 600_000)})
	}
	handle(t, r, event.JobFinished{At: jobAt(1, 0), Status: event.Failed}, event.PipelineFinished{At: jobAt(0, 0), Status: event.Failed})
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := wholeLog(t, d, onlyJob(t, d, id).ID)
	const note = "\n[popsicle keeps 4.8 MiB of a job's log: the rest of this step's is not kept]\n"
	if want := 5_000_000 + len(note); len(log[1]) != want || !strings.HasSuffix(log[1], note) {
		t.Errorf("step 1 has %d bytes, want %d: %q", len(log[1]), want, log[1][max(0, len(log[1])-100):])
	}
	if log[2] != "why it failed\n" {
		t.Errorf("step 2 wrote %.100q", log[2])
	}
	if want := stepLimit + len(note); len(log[3]) != want || !strings.HasSuffix(log[3], note) {
		t.Errorf("step 3 has %d bytes, want %d", len(log[3]), want)
	}
	messages, err := d.Messages(t.Context(), id)
	if err != nil || len(messages) != 1 || messages[0].Text != "more than 4.8 MiB of log: the rest is not kept" {
		t.Errorf("messages %v, %v", messages, err)
	}
}
