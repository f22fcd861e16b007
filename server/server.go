// Package server is popsicle over HTTP: it takes webhooks and answers
// questions about the history. It reads the history itself; what it cannot do
// with that alone it gets as fields that commands fill, so that it is tested
// without a runner.
//
// All routes stand in one list, in routes.go. A handler returns what it found
// or an error; one wrapper writes either.
package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/popsicle-ci/popsicle/db"
)

// A Server answers HTTP. Fill its fields before the first request; those that
// are nil switch off what needs them.
type Server struct {
	History *db.DB
	Log     *slog.Logger // nil: nothing is logged
	Version string       // of popsicle

	// Hooks takes webhooks; nil: POST /webhook is not there.
	Hooks *Hooks
	// Cancel ends a pipeline that waits or runs. by says who asked.
	Cancel func(ctx context.Context, pipeline int64, by string) error
	// Approve lets a pipeline that is on hold run. by says who did.
	Approve func(ctx context.Context, pipeline int64, by string) error

	// Launch starts a pipeline and returns its number.
	Launch func(ctx context.Context, order Order) (int64, error)
	// Rerun runs a pipeline again and returns the number of the new one.
	Rerun func(ctx context.Context, again Rerun) (int64, error)

	// Artifact opens the bytes of an artifact: those alone, from its first to
	// its last. An error that wraps db.ErrNotFound says that they are gone.
	Artifact func(ctx context.Context, a db.Artifact) (io.ReadSeekCloser, error)

	// OpenRead lets everybody read who can connect: for a server that listens
	// on the loopback device alone.
	OpenRead bool
	// Hosts are the names, beside localhost and addresses, that requests may
	// give to this server.
	Hosts []string
	// Rate is how many requests to the API a client may make in a second; 0:
	// as many as it likes.
	Rate float64

	stopping atomic.Bool
	limits   limits
	shared   follows
	sharing  sync.Once
}

// The limits of every connection. A body has its own, by route.
const (
	headerTime  = 5 * time.Second  // to send the header
	requestTime = 30 * time.Second // to send the whole request
	idleTime    = 2 * time.Minute  // between two requests
	stopTime    = 5 * time.Second  // what answers may still take when the server ends
	headerBytes = 64 << 10
)

// Serve answers on l until ctx ends, and then lets the answers that are under
// way come to their end. Long answers, as streams, must end by themselves when
// the context of their request does.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	templates() // the first visitor does not wait for them
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	h := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, IdleTimeout: idleTime,
		MaxHeaderBytes: headerBytes, BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog: slog.NewLogLogger(s.logger().Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.stopping.Store(true)
	wait, cancel := context.WithTimeout(base, stopTime)
	defer cancel()
	time.AfterFunc(stopTime/2, cut) // streams end here
	err := h.Shutdown(wait)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return h.Close()
	}
	return err
}

func (s *Server) logger() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}
