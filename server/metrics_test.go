package server

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A sample of the text format:
// https://prometheus.io/docs/instrumenting/exposition_formats/.
var sample = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)((?:\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",? *)+\})?) (\S+)$`)

// TestMetrics reads every line by the rules of the format.
func TestMetrics(t *testing.T) {
	g := newRig(t, openRead, func(s *Server) { s.Version = `v1 "quoted"` })
	g.past("x\n")
	g.get("/api/v1/pipelines/1")
	g.get("/api/v1/pipelines/9")
	a := g.get("/metrics")
	if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" || !strings.HasSuffix(a.text, "\n") {
		t.Fatalf("%v", a)
	}
	values, types := map[string]float64{}, map[string]string{}
	for line := range strings.Lines(a.text) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			if types[name] != "" {
				t.Errorf("%s has two types", name)
			}
			types[name] = kind
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("no sample: %q", line)
			continue
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if _, twice := values[m[1]+m[2]]; twice || err != nil {
			t.Errorf("%q: %v, twice: %t", line, err, twice)
		}
		values[m[1]+m[2]] = value
	}
	for name, want := range map[string]float64{
		`popsicle_pipelines{status="failed"}`: 1, `popsicle_pipelines{status="running"}`: 0, `popsicle_jobs{status="failed"}`: 1, `popsicle_followers`: 0,
		`popsicle_build_info{version="v1 \"quoted\""}`:                                                              1,
		`popsicle_http_requests_total{method="GET",route="/api/v1/pipelines/:pipeline",status="200"}`:               1,
		`popsicle_http_requests_total{method="GET",route="/api/v1/pipelines/:pipeline",status="404"}`:               1,
		`popsicle_http_request_duration_seconds_count{method="GET",route="/api/v1/pipelines/:pipeline"}`:            2,
		`popsicle_http_request_duration_seconds_bucket{method="GET",route="/api/v1/pipelines/:pipeline",le="+Inf"}`: 2,
	} {
		if got, ok := values[name]; !ok || got != want {
			t.Errorf("%s is %v, there: %t; want %v", name, got, ok, want)
		}
	}
	if values["process_resident_memory_bytes"] == 0 {
		t.Error("nothing of the process itself")
	}
	if types["popsicle_pipelines"] != "gauge" {
		t.Errorf("types: %v", types)
	}
}
