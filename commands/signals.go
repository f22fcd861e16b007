package commands

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// interrupts returns a context that the first SIGINT, SIGTERM or SIGHUP
// cancels, and a channel that the second closes: end at once.
func interrupts(parent context.Context) (ctx context.Context, now <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	atOnce, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		for _, react := range []func(){cancel, func() { close(atOnce) }} {
			select {
			case <-signals:
				react()
			case <-stopped:
				return
			}
		}
	}()
	return ctx, atOnce, func() {
		signal.Stop(signals)
		close(stopped)
		cancel()
	}
}
