package server

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/julienschmidt/httprouter"
)

// counted counts the requests to a route, and how long they take.
func (s *Server) counted(one route, status int, took time.Duration) {
	set := s.follows().requests
	set.GetOrCreateCounter(fmt.Sprintf(`popsicle_http_requests_total{method=%q,route=%q,status="%d"}`, one.method, one.path, status)).Inc()
	if !one.stream {
		set.GetOrCreatePrometheusHistogram(fmt.Sprintf(`popsicle_http_request_duration_seconds{method=%q,route=%q}`, one.method, one.path)).Update(took.Seconds())
	}
}

// metrics answers numbers for Prometheus, in its text format:
// https://prometheus.io/docs/instrumenting/exposition_formats/.
func (s *Server) metrics(r *http.Request, _ httprouter.Params) (any, error) {
	counts, err := s.History.Counts(r.Context())
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	gauge := func(name, help string) { fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name) }
	gauge("popsicle_pipelines", "Pipelines of the history in each state.")
	for _, status := range statuses {
		fmt.Fprintf(&out, "popsicle_pipelines{status=%q} %d\n", status, number(counts.Pipelines, status))
	}
	gauge("popsicle_jobs", "Jobs of the history in each state.")
	for _, status := range statuses {
		fmt.Fprintf(&out, "popsicle_jobs{status=%q} %d\n", status, number(counts.Jobs, status))
	}
	gauge("popsicle_followers", "Streams of events that are open.")
	fmt.Fprintf(&out, "popsicle_followers %d\n", len(s.follows().places))
	gauge("popsicle_build_info", "The version of popsicle, always 1.")
	fmt.Fprintf(&out, "popsicle_build_info{version=%q} 1\n", s.Version)
	s.follows().requests.WritePrometheus(&out)
	metrics.WriteProcessMetrics(&out)
	return verbatim{"text/plain; version=0.0.4; charset=utf-8", out.Bytes()}, nil
}

// number returns how many are in a state; its type is not known here.
func number[Word ~string](of map[Word]int64, status string) int64 { return of[Word(status)] }
