package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/popsicle-ci/popsicle/db"
)

// A follower is one who follows a log. It reads the history itself up to
// where the log grows, and from there on what a feed reads for all.
type follower struct {
	server *Server
	query  db.LogQuery
	place  db.Cursor // how far everything was sent
	out    *sink
}

const (
	catchUpPage = 64 << 10 // bytes of log that a follower reads at once
	catchUps    = 8        // followers that read at the same time
	lagBytes    = 4 << 20  // who is further behind reads the history again
)

var (
	errLagging = errors.New("too far behind the others")
	// Only the last event sent says where such a stream was: the other side
	// has its id, and comes again with it.
	errLost = errors.New("too far behind the others before it was with them")
)

func (f *follower) respond(w http.ResponseWriter, r *http.Request) (err error) {
	leave, err := f.server.enter()
	if err != nil {
		f.server.writeProblem(w, r, err)
		return nil
	}
	defer leave()
	if f.out, err = openSink(w); err != nil || r.Method == http.MethodHead {
		return gone(r, err)
	}
	return gone(r, f.follow(r.Context()))
}

// gone takes the error of writing to someone who has left for no error.
func gone(r *http.Request, err error) error {
	if r.Context().Err() != nil {
		return nil //nolint:nilerr // that is what it is for
	}
	return err
}

// follow sends lines until the log ends.
func (f *follower) follow(ctx context.Context) error {
	for {
		if ended, err := f.catchUp(ctx, false); ended || err != nil {
			return err
		}
		feed, at, begun := f.server.follows().hub.join(f.server.History, feedKey{f.query.Job, f.query.Step}, f.place)
		err := f.join(ctx, at, begun)
		f.server.follows().hub.leave(feed)
		if !errors.Is(err, errLagging) {
			return err
		}
	}
}

// join goes on with a feed. What was written before at, and not sent yet, is
// read first; what the feed brings again is left out.
func (f *follower) join(ctx context.Context, at *batch, begun bool) error {
	if !begun {
		if ended, err := f.catchUp(ctx, true); ended || err != nil {
			return err
		}
	}
	beat := time.NewTicker(beatTime)
	defer beat.Stop()
	for together := begun; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-beat.C:
			if err := f.out.beat(); err != nil {
				return err
			}
			continue
		case <-at.ready:
			at = at.next
		}
		if err := f.send(at, together); err != nil {
			return err
		}
		if together = together || at.place.Covers(f.place); together {
			f.place = at.place
		}
		if at.ended {
			return f.end(ctx)
		}
	}
}

// send writes a batch; of one that may hold what was sent already, the rest.
func (f *follower) send(b *batch, whole bool) error {
	lines, text, err := f.server.follows().hub.open(b)
	switch {
	case errors.Is(err, errLagging) && !whole:
		return errLost
	case err != nil:
		return err
	case whole:
		return f.out.write(text)
	}
	var rest []byte
	for _, l := range lines {
		passed, done := f.place.Passed(l.Step)
		switch {
		case done || l.Offset+l.Size <= passed:
		case l.Offset >= passed:
			rest = append(rest, text[l.from:l.to]...)
		default: // the beginning of the line was sent when it was all there was
			l.Text = l.Text[passed-l.Offset:]
			rest = frameLine(rest, l.Line)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	return f.out.write(rest)
}

// catchUp sends what the history holds behind f.place, and says whether the
// log has ended. Where flush says so, the beginning of a last line that is
// not over is sent too.
func (f *follower) catchUp(ctx context.Context, flush bool) (ended bool, err error) {
	var splitter db.Splitter
	f.query.From, f.query.Limit = f.place, catchUpPage
	for {
		page, frames, err := f.page(ctx, &splitter, flush)
		if err != nil {
			return false, err
		}
		if len(frames) > 0 {
			if err := f.out.write(frames); err != nil {
				return false, err
			}
		}
		f.query.From, f.place = page.Next, splitter.Place(page.Next)
		switch {
		case page.Ended:
			return true, f.end(ctx)
		case !page.More:
			return false, nil
		}
	}
}

// page reads one page as frames, while not too many others do that.
func (f *follower) page(ctx context.Context, splitter *db.Splitter, flush bool) (db.Page, []byte, error) {
	select {
	case f.server.follows().reading <- struct{}{}:
		defer func() { <-f.server.follows().reading }()
	case <-ctx.Done():
		return db.Page{}, nil, ctx.Err()
	}
	page, err := f.server.History.Lines(ctx, f.query)
	if err != nil {
		return page, nil, err
	}
	lines := splitter.Split(page)
	if flush && !page.More {
		lines = append(lines, splitter.Flush(page.Next)...)
	}
	return page, newBatch(lines, page.Next, 0).text, nil
}

// end says that the log has ended, and how.
func (f *follower) end(ctx context.Context) error {
	j, err := f.server.History.Job(ctx, f.query.Job)
	if err != nil {
		return err
	}
	return f.out.write(frame(nil, "end", "", ended{Status: string(j.Status), Reason: j.Reason}))
}

// ended is the last event of a stream.
type ended struct {
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// mostFollowers is how many may follow something at once.
const mostFollowers = 1000

// follows is what all requests to a server share.
type follows struct {
	requests *metrics.Set
	hub      hub
	states   stateHub
	places   chan struct{} // one for each follower
	reading  chan struct{} // one for each of those who read the history just now
}

func (s *Server) follows() *follows {
	s.sharing.Do(func() {
		s.shared.requests = metrics.NewSet()
		s.shared.places, s.shared.reading = make(chan struct{}, mostFollowers), make(chan struct{}, catchUps)
	})
	return &s.shared
}

// enter takes a place for a stream, if there is one.
func (s *Server) enter() (leave func(), err error) {
	select {
	case s.follows().places <- struct{}{}:
		return func() { <-s.follows().places }, nil
	default:
		return nil, &Problem{Status: http.StatusServiceUnavailable, Detail: "too many follow already: try again later", retry: 10}
	}
}
