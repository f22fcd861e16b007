package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// handBack ends what runs and puts it back into the queue.
func (d *daemon) handBack() {
	d.end(nil, &cutShort{event.Interrupted, db.HandedBack})
}

// handBackHeld ends what waits for somebody, who may take longer than grace,
// and puts it back into the queue.
func (d *daemon) handBackHeld(ctx context.Context) {
	held, err := d.history.Pipelines(ctx, db.PipelineFilter{Status: event.OnHold})
	if err != nil {
		d.log.Error("history not read", "error", err)
		return
	}
	ids := make([]int64, len(held))
	for i, p := range held {
		ids[i] = p.ID
	}
	d.end(ids, &cutShort{event.Interrupted, db.HandedBack})
}

// hurry lets nothing take any more time.
func (d *daemon) hurry() { d.hasten.Do(func() { close(d.urgent) }) }

func (d *daemon) cancelRunning(ids []int64, reason string) {
	d.end(ids, &cutShort{event.Canceled, reason})
}

// end ends pipelines under way, all where ids is nil, and says how many there
// were.
func (d *daemon) end(ids []int64, why *cutShort) (ended int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, t := range d.running {
		if ids == nil || slices.Contains(ids, id) {
			t.cancel(why)
			ended++
		}
	}
	return ended
}

// cancel ends a pipeline that waits or runs.
func (d *daemon) cancel(ctx context.Context, pipeline int64, by string) error {
	reason := "canceled by " + by
	err := d.history.CancelWaiting(ctx, pipeline, reason)
	if errors.Is(err, db.ErrNotWaiting) {
		if d.end([]int64{pipeline}, &cutShort{event.Canceled, reason}) > 0 {
			return nil
		}
		return d.history.RequestCancel(ctx, pipeline, by) // a popsicle run, perhaps
	}
	return err
}

func (d *daemon) approve(ctx context.Context, pipeline int64, by string) error {
	if err := d.history.Approve(ctx, pipeline, by); err != nil {
		return fmt.Errorf("approve: %w", err)
	}
	d.wakeUp()
	return nil
}
