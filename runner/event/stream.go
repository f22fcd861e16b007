package event

import (
	"sync"
	"time"

	"github.com/hashicorp/go-multierror"
)

// A Sink listens to a run. Handle gets no context: the event that says
// "canceled" must outlive the cancel. A sink that is slow hands over to a
// goroutine of its own.
type Sink interface {
	Handle(Event) error
}

// A Stream carries the events of one run from its jobs to its sinks, one at
// a time and in one order for all. The zero Stream has no sinks.
type Stream struct {
	Now func() time.Time // nil: time.Now

	mu    sync.Mutex
	sinks []Sink
	err   *multierror.Error
}

// NewStream returns a stream that every sink listens to.
func NewStream(sinks ...Sink) *Stream { return &Stream{sinks: sinks} }

// Emit hands e to every sink. It returns nothing: a listener's failure waits
// in Err and never fails a job.
func (s *Stream) Emit(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e = e.stamp(s.now())
	for _, sink := range s.sinks {
		if err := sink.Handle(e); err != nil {
			s.err = multierror.Append(s.err, err)
		}
	}
}

func (s *Stream) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// Err returns what the sinks could not do so far, or nil.
func (s *Stream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err.ErrorOrNil()
}
