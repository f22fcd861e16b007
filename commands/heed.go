package commands

import (
	"context"
	"time"

	"github.com/popsicle-ci/popsicle/db"
)

// heedTime is how often a run looks whether something was asked of it.
const heedTime = 200 * time.Millisecond

// heed returns a context that ends when somebody asks, through the history,
// to cancel a pipeline, and a function that says who did. A history that
// cannot be read asks for nothing: the recorder tells what is wrong with it.
func heed(parent context.Context, history *db.DB, pipeline int64) (ctx context.Context, by func() string, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	asked := make(chan string, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if who, ok := canceller(ctx, history, pipeline); ok {
			asked <- who
			cancel()
		}
	}()
	by = func() string {
		select {
		case who := <-asked:
			return who
		default:
			return ""
		}
	}
	return ctx, by, func() {
		cancel()
		<-done
	}
}

// canceller waits until somebody asks to cancel a pipeline, and returns who.
func canceller(ctx context.Context, history *db.DB, pipeline int64) (by string, asked bool) {
	watch, err := history.Watch(ctx)
	if err != nil {
		return "", false
	}
	defer watch.Close()
	tick := time.NewTicker(heedTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return "", false
		case <-tick.C:
		}
		if changed, err := watch.Changed(ctx); err != nil || !changed {
			continue
		}
		if by, asked, err = history.CancelRequested(ctx, pipeline); err == nil && asked {
			return by, true
		}
	}
}
