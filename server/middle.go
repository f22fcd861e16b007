package server

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"regexp"
	"time"
)

// requestKey is where the context of a request keeps its id.
type requestKey struct{}

// sendable are the ids of requests that we take from who asks.
var sendable = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// requestID names a request in the log and in answers.
func requestID(r *http.Request) string {
	id, _ := r.Context().Value(requestKey{}).(string)
	return id
}

// logged gives each request an id, its own or a new one, writes a line of it into the log, and lets
// no panic out. Neither headers nor queries are logged: they may hold secrets.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, began := r.Header.Get("X-Request-Id"), time.Now()
		if !sendable.MatchString(id) {
			id = rand.Text()[:12]
		}
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, id))
		w.Header().Set("X-Request-Id", id)
		seen := &watched{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if failed := recover(); failed != nil {
				if err, ok := failed.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(failed)
				}
				s.logger().ErrorContext(r.Context(), "handler panicked", "request", id, "path", r.URL.Path, "panic", failed)
				if !seen.wrote {
					s.writeProblem(seen, r, &Problem{Status: http.StatusInternalServerError})
				}
			}
			s.logger().DebugContext(r.Context(), "request", "request", id, "method", r.Method, "path", r.URL.Path,
				"status", seen.status, "took", time.Since(began).Round(time.Microsecond))
		}()
		next.ServeHTTP(seen, r)
	})
}

// watched remembers what was answered.
type watched struct {
	http.ResponseWriter
	status int
	wrote  bool
}

// WriteHeader writes the status.
func (w *watched) WriteHeader(status int) {
	w.status, w.wrote = status, true
	w.ResponseWriter.WriteHeader(status)
}

// Write writes a part of the body.
func (w *watched) Write(p []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController find what is below.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// guarded sets the headers that keep a browser from doing harm with an answer.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		next.ServeHTTP(w, r)
	})
}
