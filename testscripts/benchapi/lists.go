package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// lists asks for pages of pipelines as pages and scripts do.
func (s *suite) lists(ctx context.Context, d *daemon) error {
	middle := s.pipelines / 2
	var all []time.Duration
	for _, query := range []string{
		"", "?limit=100", "?branch=main", "?repo=owner/repo-7", "?repo=owner/repo-7&branch=main", "?status=timedout", "?repo=owner/repo-0&status=timedout",
		"?trigger=webhook&status=failed", fmt.Sprintf("?cursor=%d", middle), fmt.Sprintf("?branch=feature/7&cursor=%d", middle), "?commit=abcdef",
		fmt.Sprintf("/%d", middle), fmt.Sprintf("/%d/jobs", middle),
	} {
		took, err := s.times(ctx, d.url+"/api/v1/pipelines"+query)
		if err != nil {
			return err
		}
		fmt.Printf("GET pipelines%-45s p50 %6.2f ms  p99 %6.2f ms\n", query, ms(at(took, 50)), ms(at(took, 99)))
		all = append(all, took...)
	}
	slices.Sort(all)
	fmt.Printf("%d requests: p50 %.2f ms\n", len(all), ms(at(all, 50)))
	s.bar(fmt.Sprintf("API list, %d jobs, p99", 10*s.pipelines), ms(at(all, 99)), 20, "ms")
	return nil
}

// times asks again and again, and returns how long each time took, sorted.
func (s *suite) times(ctx context.Context, url string) (took []time.Duration, err error) {
	for range s.requests {
		began := time.Now()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, err
		}
		got, err := http.DefaultClient.Do(r)
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(got.Body)
		_ = got.Body.Close() // it was read to its end
		if err != nil || got.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s: %s %.200s %w", url, got.Status, text, err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took, nil
}

// at returns a percentile of what is sorted.
func at(sorted []time.Duration, percent int) time.Duration {
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
