package server

import (
	"context"
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/julienschmidt/httprouter"

	"github.com/popsicle-ci/popsicle/db"
)

// events streams the states of a pipeline: first all of it, then each
// workflow and job that changes, until the pipeline has ended.
func (s *Server) events(r *http.Request, p httprouter.Params) (any, error) {
	found, _, err := s.pipelineJobs(r.Context(), p)
	return &watcher{server: s, pipeline: found.ID}, err
}

// A snapshot is a pipeline at one time.
type snapshot struct {
	pipeline  Pipeline // with its jobs
	workflows []Workflow
	ended     bool
	err       error

	next  *snapshot     // set before ready is closed
	ready chan struct{} // closed when next is there
}

// A stateHub lets all who watch one pipeline share one reader of the history.
type stateHub struct {
	mu    sync.Mutex
	feeds map[int64]*stateFeed
}

type stateFeed struct {
	pipeline int64
	watchers int
	last     *snapshot // nil before the first
	first    chan struct{}
	stop     context.CancelFunc
}

// join returns the feed of a pipeline. Leave it afterwards.
func (h *stateHub) join(history *db.DB, pipeline int64) *stateFeed {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.feeds[pipeline]
	if f == nil {
		ctx, stop := context.WithCancel(context.Background()) // it outlives the request that begins it
		f = &stateFeed{pipeline: pipeline, stop: stop, first: make(chan struct{})}
		if h.feeds == nil {
			h.feeds = map[int64]*stateFeed{}
		}
		h.feeds[pipeline] = f
		go h.read(ctx, history, f)
	}
	f.watchers++
	return f
}

func (h *stateHub) leave(f *stateFeed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.watchers--; f.watchers == 0 {
		f.stop()
		if h.feeds[f.pipeline] == f {
			delete(h.feeds, f.pipeline)
		}
	}
}

// now returns the newest snapshot.
func (h *stateHub) now(ctx context.Context, f *stateFeed) (*snapshot, error) {
	select {
	case <-f.first:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return f.last, nil
}

// read takes a snapshot whenever the history was written, until the pipeline
// has ended or nobody watches.
func (h *stateHub) read(ctx context.Context, history *db.DB, f *stateFeed) {
	defer f.stop()
	watch, err := history.Watch(ctx)
	if err != nil {
		h.publish(f, &snapshot{err: err, ended: true})
		return
	}
	defer watch.Close()
	for {
		changed, err := watch.Changed(ctx)
		if err != nil {
			h.publish(f, &snapshot{err: err, ended: true})
			return
		}
		if changed {
			next := takeSnapshot(ctx, history, f.pipeline)
			h.publish(f, next)
			if next.ended {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pollTime):
		}
	}
}

func takeSnapshot(ctx context.Context, history *db.DB, pipeline int64) *snapshot {
	s := &snapshot{ready: make(chan struct{})}
	p, err := history.Pipeline(ctx, pipeline)
	if err != nil {
		return &snapshot{err: err, ended: true}
	}
	jobs, err := history.Jobs(ctx, pipeline)
	if err != nil {
		return &snapshot{err: err, ended: true}
	}
	workflows, err := history.Workflows(ctx, pipeline)
	if err != nil {
		return &snapshot{err: err, ended: true}
	}
	s.pipeline, s.workflows, s.ended = NewPipeline(p), list(workflows, newWorkflow).Items, p.Status.Ended()
	for _, j := range jobs {
		s.pipeline.Jobs = append(s.pipeline.Jobs, NewJob(j, nil))
	}
	return s
}

// publish puts a snapshot behind the last one, if it tells anything new.
func (h *stateHub) publish(f *stateFeed, next *snapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := f.last
	if before != nil && next.err == nil && len(next.since(before)) == 0 {
		return
	}
	f.last = next
	if before == nil {
		close(f.first)
	} else {
		before.next = next
		close(before.ready)
	}
	if next.ended && h.feeds[f.pipeline] == f {
		delete(h.feeds, f.pipeline)
	}
}

// since returns, as frames, what is not as it was before.
func (s *snapshot) since(before *snapshot) (frames []byte) {
	for i, w := range s.workflows {
		if i >= len(before.workflows) || w != before.workflows[i] {
			frames = frame(frames, "workflow", "", w)
		}
	}
	known := map[int64]Job{}
	for _, j := range before.pipeline.Jobs {
		known[j.ID] = j
	}
	for _, j := range s.pipeline.Jobs {
		if old, ok := known[j.ID]; !ok || !reflect.DeepEqual(old, j) {
			frames = frame(frames, "job", "", j)
		}
	}
	now, then := s.pipeline, before.pipeline
	now.Jobs, then.Jobs = nil, nil
	if !reflect.DeepEqual(now, then) {
		frames = frame(frames, "pipeline", "", now)
	}
	return frames
}

// whole returns all of it as frames.
func (s *snapshot) whole() (frames []byte) {
	frames = frame(nil, "pipeline", "", s.pipeline)
	for _, w := range s.workflows {
		frames = frame(frames, "workflow", "", w)
	}
	return frames
}

// A watcher is one who watches a pipeline.
type watcher struct {
	server   *Server
	pipeline int64
}

func (w *watcher) respond(to http.ResponseWriter, r *http.Request) error {
	leave, err := w.server.enter()
	if err != nil {
		w.server.writeProblem(to, r, err)
		return nil
	}
	defer leave()
	out, err := openSink(to)
	if err != nil || r.Method == http.MethodHead {
		return gone(r, err)
	}
	return gone(r, w.watch(r.Context(), out))
}

// watch sends what changes.
func (w *watcher) watch(ctx context.Context, out *sink) error {
	hub := &w.server.follows().states
	feed := hub.join(w.server.History, w.pipeline)
	defer hub.leave(feed)
	at, err := hub.now(ctx, feed)
	if err == nil {
		err = at.err
	}
	if err != nil {
		return err
	}
	frames := at.whole()
	beat := time.NewTicker(beatTime)
	defer beat.Stop()
	for {
		if at.ended {
			frames = frame(frames, "end", "", ended{Status: at.pipeline.Status, Reason: at.pipeline.Reason})
		}
		if err := out.write(frames); err != nil || at.ended {
			return err
		}
		for frames = nil; frames == nil; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-beat.C:
				frames = []byte(": still here\n\n")
			case <-at.ready:
				before := at
				if at = at.next; at.err != nil {
					return at.err
				}
				frames = at.since(before)
			}
		}
	}
}
