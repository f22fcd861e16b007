package server

import (
	"context"
	"sync"
	"time"

	"github.com/popsicle-ci/popsicle/db"
)

// A hub lets all who follow one log share one reader of the history.
type hub struct {
	mu    sync.Mutex
	feeds map[feedKey]*feed
}

// A feedKey names what is followed: a job's log, or one step's.
type feedKey struct {
	job  int64
	step int
}

// A feed reads a growing log for all who follow it. What it reads becomes a
// chain of batches: each follower holds the batch it has got to, and nobody
// waits for the slowest. Text that is lagBytes old is let go of: who has not
// sent it by then reads the history again.
type feed struct {
	key       feedKey
	followers int
	last      *batch
	kept      []*batch // those whose text is still there, oldest first
	stop      context.CancelFunc
}

// A batch is what a feed read at one time, as it goes over the wire.
type batch struct {
	lines []framed
	text  []byte    // their frames, one after the other
	place db.Cursor // behind them
	ended bool      // nothing will follow
	err   error     // the history could not be read
	total int64     // bytes of the feed up to here
	gone  bool      // text and lines were let go of

	next  *batch        // set before ready is closed
	ready chan struct{} // closed when next is there
}

// A framed line is a line with the place of its frame in the batch.
type framed struct {
	db.Line
	from, to int
}

// pollTime is how often a feed asks for more.
const pollTime = 100 * time.Millisecond

// join returns the batch to go on behind, and the feed to leave afterwards.
// Where nobody follows yet, a feed is begun at place.
func (h *hub) join(history *db.DB, key feedKey, place db.Cursor) (f *feed, at *batch, begun bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f = h.feeds[key]; f == nil {
		ctx, stop := context.WithCancel(context.Background()) // it outlives the request that begins it
		f = &feed{key: key, stop: stop, last: newBatch(nil, place, 0)}
		if h.feeds == nil {
			h.feeds = map[feedKey]*feed{}
		}
		h.feeds[key] = f
		begun = true
		go h.read(ctx, history, f, place)
	}
	f.followers++
	return f, f.last, begun
}

// leave lets go of a feed; the last one to leave ends it.
func (h *hub) leave(f *feed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.followers--; f.followers == 0 {
		f.stop()
		h.forget(f)
	}
}

// forget makes sure that nobody joins f any more.
func (h *hub) forget(f *feed) {
	if h.feeds[f.key] == f {
		delete(h.feeds, f.key)
	}
}

// read reads the log until it ends, fails, or nobody follows.
func (h *hub) read(ctx context.Context, history *db.DB, f *feed, place db.Cursor) {
	defer f.stop()
	var splitter db.Splitter
	q := db.LogQuery{Job: f.key.job, Step: f.key.step, From: place}
	for {
		page, err := history.Lines(ctx, q)
		if err != nil {
			h.publish(f, &batch{err: err, ended: true})
			return
		}
		lines := splitter.Split(page)
		if len(page.Pieces) == 0 { // who waits for the rest of a line sees its beginning
			lines = append(lines, splitter.Flush(page.Next)...)
		}
		if len(lines) > 0 || page.Ended {
			b := newBatch(lines, splitter.Place(page.Next), f.last.total)
			b.ended = page.Ended
			h.publish(f, b)
		}
		if page.Ended {
			return
		}
		if q.From = page.Next; page.More {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pollTime):
		}
	}
}

// publish puts a batch behind the last one of f.
func (h *hub) publish(f *feed, b *batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := f.last
	before.next, f.last = b, b
	f.kept = append(f.kept, b)
	for f.kept[0].total < b.total-lagBytes {
		f.kept[0].text, f.kept[0].lines, f.kept[0].gone = nil, nil, true
		f.kept = f.kept[1:]
	}
	close(before.ready)
	if b.ended {
		h.forget(f)
	}
}

// open returns what is in a batch, or errLagging where it was let go of.
func (h *hub) open(b *batch) (lines []framed, text []byte, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b.gone {
		return nil, nil, errLagging
	}
	return b.lines, b.text, b.err
}

// newBatch writes lines as frames. before is the total of the feed so far.
func newBatch(lines []db.Line, place db.Cursor, before int64) *batch {
	b := &batch{place: place, ready: make(chan struct{}), lines: make([]framed, 0, len(lines))}
	for _, l := range lines {
		from := len(b.text)
		b.text = frameLine(b.text, l)
		b.lines = append(b.lines, framed{l, from, len(b.text)})
	}
	b.total = before + int64(len(b.text))
	return b
}

// A LogLine is a line as an event carries it. Text that is not UTF-8 has
// replacement characters: the bytes themselves are in the log as text.
type LogLine struct {
	Step int     `json:"step"`
	Line int64   `json:"line"` // counted from 1 in its step
	Time Instant `json:"time"`
	Text string  `json:"text"`
	Goes bool    `json:"goes_on,omitempty"` // the line is not over: the next event of its step goes on with it
}

func frameLine(frames []byte, l db.Line) []byte {
	return frame(frames, "line", l.Next.String(), LogLine{Step: l.Step, Line: l.Number + 1, Time: Instant(l.Time), Text: string(l.Text), Goes: !l.Whole})
}
