package db

import (
	"sync"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// The limits of a queue: what a kill -9 can lose, and what memory a log may
// take while it waits for the disk.
const (
	gatherTime = 50 * time.Millisecond // events wait this long for company
	gatherText = 4 * frameSize         // or until they carry so much text
	queueText  = 8 * frameSize         // beyond so much text a step has to wait
	queueItems = 4096                  // or beyond so many events
)

// An item is one event, or all the text that one step wrote while the queue
// was not taken.
type item struct {
	event.Event
	text []string
}

// A queue holds what the run said and the disk does not have yet. Put waits
// while it is full, take while it is empty.
type queue struct {
	mu     sync.Mutex
	room   *sync.Cond
	items  []item
	bytes  int
	open   map[stepKey]int // the item that a step's next text joins
	closed bool

	some, full chan struct{} // hold a token when there are items, when they should be taken at once
}

// A stepKey names a step within its pipeline.
type stepKey struct {
	jobKey
	step int
}

// A jobKey names a job within its pipeline.
type jobKey struct{ position, node int }

func keyOf(at event.At) stepKey { return stepKey{jobKey{at.JobID, at.Node}, at.Step} }

func newQueue() *queue {
	q := &queue{open: map[stepKey]int{}, some: make(chan struct{}, 1), full: make(chan struct{}, 1)}
	q.room = sync.NewCond(&q.mu)
	return q
}

// put adds e, and says whether the queue still takes events.
func (q *queue) put(e event.Event) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && (q.bytes >= queueText || len(q.items) >= queueItems) {
		q.room.Wait()
	}
	if q.closed {
		return false
	}
	q.add(e)
	raise(q.some)
	if q.bytes >= gatherText || len(q.items) >= queueItems {
		raise(q.full)
	}
	return true
}

func (q *queue) add(e event.Event) {
	out, isText := e.(event.Output)
	if !isText {
		q.items = append(q.items, item{Event: e})
		return
	}
	q.bytes += len(out.Text)
	key := keyOf(out.At)
	if at, ok := q.open[key]; ok {
		q.items[at].text = append(q.items[at].text, out.Text)
		return
	}
	q.open[key] = len(q.items)
	q.items = append(q.items, item{e, []string{out.Text}})
}

// take waits until there is something to write and some time for more of it
// has passed, and returns it. Last says that nothing will follow.
func (q *queue) take() (items []item, last bool) {
	<-q.some
	timer := time.NewTimer(gatherTime)
	select {
	case <-q.full:
	case <-timer.C:
	}
	timer.Stop()

	q.mu.Lock()
	defer q.mu.Unlock()
	items, q.items, q.bytes = q.items, nil, 0
	clear(q.open)
	lower(q.some)
	lower(q.full)
	if q.closed { // for a take that comes after
		raise(q.some)
		raise(q.full)
	}
	q.room.Broadcast()
	return items, q.closed
}

// close ends the queue: what it holds can still be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	raise(q.some)
	raise(q.full)
	q.room.Broadcast()
}

func raise(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func lower(c chan struct{}) {
	select {
	case <-c:
	default:
	}
}
