package db

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A Recorder is an event.Sink that writes one run into the history. Events
// are handed over to one goroutine, which writes them in batches, so that no
// step waits for the disk as long as the disk keeps up; memory stays bounded
// when it does not.
type Recorder struct {
	db       *DB
	pipeline int64
	queue    *queue
	closing  sync.Once
	done     chan struct{}   // closed when everything is written, or given up
	ctx      context.Context // ends when Close must not wait any longer
	giveUp   context.CancelFunc

	// Of the goroutine that writes.
	run     *run
	failing time.Time // since when nothing could be written
	lost    int64     // bytes of log that were not kept
	err     error     // why nothing could be written the last time
}

// patience is how long the recorder tries to write a batch, while the steps
// wait, before it lets go of log text. It never lets go of anything else.
const patience = 10 * time.Second

// Recorder returns the recorder of a pipeline that NewPipeline made. Close
// it after the run.
func (d *DB) Recorder(pipeline int64) *Recorder {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Recorder{
		db: d, pipeline: pipeline, queue: newQueue(), done: make(chan struct{}),
		ctx: ctx, giveUp: cancel, run: newRun(pipeline),
	}
	go r.record()
	return r
}

// Handle takes an event of the run. It fails only after Close.
func (r *Recorder) Handle(e event.Event) error {
	if !r.queue.put(e) {
		return fmt.Errorf("history: pipeline #%d is closed, %s came too late", r.pipeline, e.Type())
	}
	return nil
}

// Close writes what is left, and returns what could not be written. A run
// that did not finish is closed as interrupted. When ctx ends, Close does not
// wait any longer and gives up what is left.
func (r *Recorder) Close(ctx context.Context) error {
	r.closing.Do(r.queue.close)
	defer context.AfterFunc(ctx, r.giveUp)()
	<-r.done
	r.giveUp()
	return r.failure()
}

func (r *Recorder) failure() error {
	switch {
	case r.err != nil:
		return fmt.Errorf("pipeline #%d is not fully recorded: %w", r.pipeline, r.err)
	case r.lost > 0:
		return fmt.Errorf("history %s: %d bytes of the log of pipeline #%d were not kept: the disk could not take them", r.db.path, r.lost, r.pipeline)
	}
	return nil
}

// record writes batch after batch until the queue is closed and empty.
func (r *Recorder) record() {
	defer close(r.done)
	for last := false; !last; {
		var items []item
		items, last = r.queue.take()
		for _, i := range items {
			r.run.take(i)
		}
		if last {
			r.run.close()
		}
		r.run.flush()
		r.write(last)
	}
}

// write brings the changes into the database. Where that fails it is tried
// again, until patience ends; then the log text among them is dropped, and
// the rest waits for the next batch. After the last batch there is none, so
// that one gets twice the patience, unless Close gives up before.
func (r *Recorder) write(last bool) {
	if len(r.run.changes) == 0 {
		return
	}
	for wait := gatherTime; ; wait = min(2*wait, time.Second) {
		if r.err = r.db.update(r.ctx, r.run.commit); r.err == nil {
			r.run.written()
			r.failing = time.Time{}
			return
		}
		if r.failing.IsZero() {
			r.failing = time.Now()
		}
		if failing := time.Since(r.failing); failing > patience {
			if lost := r.run.drop(); lost > 0 {
				r.lost += lost
				continue // what is left may be small enough
			}
			if !last || failing > 2*patience {
				return
			}
		}
		select {
		case <-r.ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}
