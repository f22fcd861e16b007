package db

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mattn/go-sqlite3"

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
	hurry    context.Context // ends when a write that fails must not be tried again
	giveUp   context.CancelFunc

	// How long a batch is tried, while the steps wait, before the log text
	// in it is let go. Nothing else ever is.
	patience time.Duration

	// Of the goroutine that writes.
	run     *run
	failing time.Time // since when nothing could be written
	err     error     // why nothing could be written the last time
	lost    int64     // bytes of log that were not kept
	lostFor error     // and why
	refused error     // what the schema would not have
}

// Recorder returns the recorder of a pipeline that NewPipeline made. Close
// it after the run.
func (d *DB) Recorder(pipeline int64) *Recorder {
	hurry, giveUp := context.WithCancel(context.Background())
	r := &Recorder{
		db: d, pipeline: pipeline, queue: newQueue(), done: make(chan struct{}),
		hurry: hurry, giveUp: giveUp, run: newRun(pipeline), patience: 10 * time.Second,
	}
	d.takeBallast()
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

// failure returns what did not get into the history, and why.
func (r *Recorder) failure() error {
	var all error
	if r.lost > 0 {
		all = fmt.Errorf("%d bytes of the log of pipeline #%d were not kept: %w", r.lost, r.pipeline, r.lostFor)
	}
	for _, err := range []error{r.err, r.refused} {
		if err != nil {
			all = errors.Join(all, fmt.Errorf("pipeline #%d is not fully recorded: %w", r.pipeline, err))
		}
	}
	return all
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
// that one gets twice the patience, unless Close is in a hurry.
func (r *Recorder) write(last bool) {
	for wait := gatherTime; !r.commit(); wait = min(2*wait, time.Second) {
		failing, hurry := time.Since(r.failing), r.hurry.Err() != nil
		if hurry || failing > r.patience {
			if lost := r.run.drop(); lost > 0 {
				r.lost, r.lostFor = r.lost+lost, r.err
				continue // what is left may be small enough
			}
			if last && isCode(r.err, sqlite3.ErrFull, sqlite3.ErrIoErr) && r.db.dropBallast() {
				continue
			}
			if hurry || !last || failing > 2*r.patience {
				return
			}
		}
		select {
		case <-r.hurry.Done():
		case <-time.After(wait):
		}
	}
}

// commit makes all changes in one transaction, if it can.
func (r *Recorder) commit() bool {
	if len(r.run.changes) == 0 {
		return true
	}
	// A batch is small: Close waits for it rather than interrupt it.
	if r.err = r.db.update(context.Background(), r.run.commit); r.err == nil {
		r.refused = errors.Join(r.refused, r.run.refused)
		r.run.written()
		r.failing = time.Time{}
		return true
	}
	if isCode(r.err, sqlite3.ErrFull, sqlite3.ErrIoErr) {
		r.db.rewind(context.Background())
	}
	if r.failing.IsZero() {
		r.failing = time.Now()
	}
	return false
}
