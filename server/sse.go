package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html

// beatTime is how often a stream without news says that it is alive.
const beatTime = 15 * time.Second

// A sink is the writing end of one stream of events.
type sink struct {
	w    http.ResponseWriter
	ctrl *http.ResponseController
}

// openSink begins a stream. Nothing limits how long it lasts; each write has
// to be taken in time.
func openSink(w http.ResponseWriter) (*sink, error) {
	s := &sink{w: w, ctrl: http.NewResponseController(w)}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	w.WriteHeader(http.StatusOK)
	_ = s.ctrl.SetReadDeadline(time.Time{}) // else the limit of requests ends the stream; a recorder in tests has none
	return s, s.write([]byte("retry: 1000\n\n"))
}

// write sends frames at once.
func (s *sink) write(frames []byte) error {
	_ = s.ctrl.SetWriteDeadline(time.Now().Add(writeTime)) // a recorder in tests has none
	if _, err := s.w.Write(frames); err != nil {
		return err
	}
	return s.ctrl.Flush()
}

// beat says that the stream is alive.
func (s *sink) beat() error { return s.write([]byte(": still here\n\n")) }

// frame appends one event to frames. JSON has no newline in it.
func frame(frames []byte, name, id string, data any) []byte {
	text, err := json.Marshal(data)
	if err != nil {
		text = []byte("null") // shapes of ours are always writable
	}
	if id != "" {
		frames = fmt.Appendf(frames, "id: %s\n", id)
	}
	return fmt.Appendf(frames, "event: %s\ndata: %s\n\n", name, text)
}
