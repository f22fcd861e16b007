package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// follow writes a log while many follow it, and counts what each was told.
func (s *suite) follow(ctx context.Context, d *daemon, file string) (err error) {
	history, err := db.Open(ctx, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, history.Close()) }()
	number, err := history.NewPipeline(ctx, "bench")
	if err != nil {
		return err
	}
	recorder := history.Recorder(number)
	at := func(step int) event.At {
		return event.At{Time: time.Now(), Workflow: "main", Job: "loud", JobID: 1, Step: step}
	}
	say := func(e event.Event) { err = errors.Join(err, recorder.Handle(e)) }
	say(event.PipelineStarted{At: event.At{Time: time.Now()}, Repo: "owner/loud", Root: "/loud", Jobs: 1, Workflows: []string{"main"}})
	say(event.JobQueued{At: at(0), Kind: "docker", Steps: 1})
	say(event.JobStarted{At: at(0)})
	say(event.StepStarted{At: at(1), Name: "loud", Kind: "run"})
	job, err2 := firstJob(ctx, history, number)
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	url := fmt.Sprintf("%s/api/v1/jobs/%d/log?follow=true", d.url, job)
	var all, there sync.WaitGroup
	wrong := make([]error, s.followers)
	there.Add(s.followers)
	for i := range s.followers {
		all.Go(func() { wrong[i] = s.listen(ctx, url, there.Done) })
	}
	there.Wait()
	began := time.Now()
	for i := range s.lines {
		say(event.Output{At: at(1), Text: line(i) + "\n"})
		if i%100 == 99 { // ten thousand lines a second
			<-time.After(10 * time.Millisecond)
		}
	}
	say(event.StepFinished{At: at(1), Status: event.Success})
	say(event.JobFinished{At: at(0), Status: event.Success})
	say(event.PipelineFinished{At: event.At{Time: time.Now()}, Status: event.Success})
	err = errors.Join(err, recorder.Close(ctx))
	all.Wait()
	if err = errors.Join(append(wrong, err)...); err != nil {
		return err
	}
	fmt.Printf("%d followers were told %d lines each, in order, in %.1f s\n", s.followers, s.lines, time.Since(began).Seconds())
	peak, own, err := d.memory()
	if err != nil {
		fmt.Println("memory is only measured on Linux:", err)
		return nil
	}
	fmt.Printf("the daemon's own memory at the end: %.0f MB\n", own)
	s.bar("most memory of the daemon", peak, 150, "MB")
	return nil
}

func line(i int) string { return fmt.Sprintf("line %07d %s", i, strings.Repeat("x", 80)) }

func firstJob(ctx context.Context, history *db.DB, pipeline int64) (int64, error) {
	for range 1000 {
		jobs, err := history.Jobs(ctx, pipeline)
		if err != nil {
			return 0, err
		}
		if len(jobs) > 0 {
			return jobs[0].ID, nil
		}
		<-time.After(10 * time.Millisecond)
	}
	return 0, errors.New("the job did not get into the history")
}

// listen follows a log to its end: every line has to come, in order, once.
func (s *suite) listen(ctx context.Context, url string, there func()) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	got, err := http.DefaultClient.Do(r)
	there()
	if err != nil {
		return err
	}
	defer got.Body.Close()
	text, name, next := bufio.NewScanner(got.Body), "", 0
	for text.Scan() {
		if event, ok := strings.CutPrefix(text.Text(), "event: "); ok {
			name = event
		}
		data, ok := strings.CutPrefix(text.Text(), "data: ")
		switch {
		case !ok:
		case name == "end" && next == s.lines:
			return nil
		default:
			var l struct{ Text string }
			if err := json.Unmarshal([]byte(data), &l); err != nil || l.Text != line(next) {
				return fmt.Errorf("instead of line %d came %s %s: %w", next, name, data, err)
			}
			next++
		}
	}
	return fmt.Errorf("the stream ended with line %d: %w", next, text.Err())
}
