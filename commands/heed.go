package commands

import (
	"context"

	"github.com/popsicle-ci/popsicle/db"
)

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
	err := history.Await(ctx, func() (bool, error) {
		who, is, err := history.CancelRequested(ctx, pipeline)
		by, asked = who, is && err == nil
		return asked, nil
	})
	return by, asked && err == nil
}
