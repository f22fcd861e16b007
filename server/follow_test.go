package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/popsicle-ci/popsicle/db"
)

// A frameRead is one event that came over the wire.
type frameRead struct{ id, name, data string }

// stream reads the events of a stream until it ends, or each says stop.
func (g *rig) stream(path string, header []string, each func(frameRead) bool) error {
	r, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, g.url+path, nil)
	if err != nil {
		return err
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	if kind := got.Header.Get("Content-Type"); got.StatusCode != http.StatusOK || kind != "text/event-stream" {
		return fmt.Errorf("%s: %s %s", path, got.Status, kind)
	}
	var f frameRead
	lines := bufio.NewReader(got.Body)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			f.id = value
		case "event":
			f.name = value
		case "data":
			f.data = value
		case "":
			if value == "" && f.name != "" && !each(f) {
				return nil
			}
			f = frameRead{}
		}
	}
}

// A reading is what one follower has got of a log.
type reading struct {
	text  string // joined at the end: it is long
	place string // id of the last event
	ended bool
}

// read follows a log from place on, for most lines at most.
func (g *rig) readLog(job int64, place string, most int) (got reading, err error) {
	var header []string
	if got.place = place; place != "" {
		header = []string{"Last-Event-ID: " + place}
	}
	var text strings.Builder
	err = g.stream(fmt.Sprintf("/api/v1/jobs/%d/log?follow=true", job), header, func(f frameRead) bool {
		if f.name == "end" {
			got.ended = true
			return false
		}
		var l LogLine
		if json.Unmarshal([]byte(f.data), &l) != nil {
			return false
		}
		if text.WriteString(l.Text); !l.Goes {
			text.WriteByte('\n')
		}
		got.place = f.id
		most--
		return most != 0
	})
	got.text = text.String()
	return got, err
}

// TestFollowers lets 200 follow one growing log, each from another time on:
// every one must get every line once and in order, and the daemon must read
// the history for all of them together.
func TestFollowers(t *testing.T) {
	const followers, lines = 200, 1000
	g := newRig(t, openRead)
	r := g.begin()
	job := r.job()
	var want strings.Builder
	var wait sync.WaitGroup
	errs := make(chan error, followers)
	got := make([]reading, followers)
	write := func(from, to int) {
		for i := from; i < to; i++ {
			line := fmt.Sprintf("line %d of a log that is followed by many\n", i)
			want.WriteString(line)
			r.print(line[:7]) // a line comes in two parts
			r.print(line[7:])
		}
	}
	for i := range followers {
		write(i*lines/followers, (i+1)*lines/followers)
		wait.Go(func() {
			var err error
			if got[i], err = g.readLog(job, "", -1); err != nil {
				errs <- fmt.Errorf("follower %d: %w", i, err)
			}
		})
	}
	eventually(t, func() bool { return len(g.follows().places) == followers })
	g.follows().hub.mu.Lock()
	if n := len(g.follows().hub.feeds); n != 1 {
		t.Errorf("%d feeds read the log", n)
	}
	g.follows().hub.mu.Unlock()
	write(lines, 2*lines)
	r.end()
	wait.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	for i, one := range got {
		if one.text != want.String() || !one.ended {
			t.Errorf("follower %d got %d bytes of %d, ended %v", i, len(one.text), want.Len(), one.ended)
		}
	}
	eventually(t, func() bool { return len(g.follows().places) == 0 })
}

// TestFollowerResumes ends the connection again and again, and goes on with
// the id of the last event.
func TestFollowerResumes(t *testing.T) {
	g := newRig(t, openRead)
	r := g.begin()
	job := r.job()
	var want strings.Builder
	for i := range 300 {
		line := fmt.Sprintf("%d\n", i)
		want.WriteString(line)
		r.print(line)
	}
	var text, place string
	for n := 1; len(text) < want.Len(); n = n%17 + 1 {
		one, err := g.readLog(job, place, min(n, 300-strings.Count(text, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		text, place = text+one.text, one.place
	}
	r.print("no newline")
	r.end()
	one, err := g.readLog(job, place, -1)
	if err != nil || !one.ended {
		t.Fatal(one, err)
	}
	if text += one.text; text != want.String()+"no newline\n" {
		t.Errorf("got %q", text)
	}
	for _, wrong := range []string{"x", "1", "1.1_1.1", "-1.2", "1.99999999999999999999"} {
		if a := g.get(fmt.Sprintf("/api/v1/jobs/%d/log?follow=true", job), "Last-Event-ID: "+wrong); a.StatusCode != http.StatusBadRequest {
			t.Errorf("Last-Event-ID %q: %v", wrong, a)
		}
	}
}

// TestSlowFollowerDoesNotHoldMemory lets one follower read nothing while a
// large log is written: what it has not read is in the history, not in memory.
func TestSlowFollowerDoesNotHoldMemory(t *testing.T) {
	g := newRig(t, openRead)
	r := g.begin()
	job := r.job()
	line := strings.Repeat("x", 999) + "\n"
	r.print(line)
	first, goOn, done := make(chan struct{}), make(chan struct{}), make(chan int)
	go func() {
		n := 0
		_ = g.stream(fmt.Sprintf("/api/v1/jobs/%d/log?follow=true", job), nil, func(f frameRead) bool {
			if n == 0 {
				close(first)
				<-goOn
			}
			if f.name == "line" {
				n++
			}
			return f.name != "end"
		})
		done <- n
	}()
	<-first
	before := heapMB()
	const lines = 60_000
	for range lines / 100 {
		r.print(strings.Repeat(line, 100))
	}
	eventually(t, func() bool { // all of it is in the history, and read by the feed
		page, err := g.History.Lines(t.Context(), db.LogQuery{Job: job, From: db.At(1, (lines+1)*int64(len(line)))})
		return err == nil && page.Next.String() == fmt.Sprintf("1.%d", (lines+1)*len(line)) && len(page.Pieces) == 0 && g.written(job) == (lines+1)*int64(len(line))
	})
	if after := heapMB(); after > before+45 {
		t.Errorf("heap: %d MB before, %d MB after 60 MB of log", before, after)
	}
	close(goOn)
	r.end()
	if n := <-done; n != lines+1 {
		t.Errorf("%d lines came, want %d", n, lines+1)
	}
}

// written says how much of a job's first step is in the history.
func (g *rig) written(job int64) int64 {
	var end int64
	page, err := g.History.Lines(g.t.Context(), db.LogQuery{Job: job, Limit: 1 << 30})
	if err != nil {
		g.t.Fatal(err)
	}
	for _, p := range page.Pieces {
		end = p.Offset + int64(len(p.Text))
	}
	return end
}

func TestWatchPipeline(t *testing.T) {
	g := newRig(t, openRead)
	r := g.begin()
	r.job()
	var names []string
	var last Pipeline
	began, result := make(chan struct{}), make(chan error)
	var once sync.Once
	go func() {
		result <- g.stream(fmt.Sprintf("/api/v1/pipelines/%d/events", r.id), nil, func(f frameRead) bool {
			names = append(names, f.name)
			if f.name == "pipeline" {
				_ = json.Unmarshal([]byte(f.data), &last)
			}
			if f.name == "workflow" {
				once.Do(func() { close(began) })
			}
			return f.name != "end"
		})
	}()
	<-began
	r.end()
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	all := strings.Join(names, " ")
	if !strings.HasPrefix(all, "pipeline workflow ") || !strings.Contains(all, " job ") || !strings.HasSuffix(all, " end") || last.Status != "failed" {
		t.Errorf("%s; at last %+v", all, last)
	}
}

func heapMB() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc >> 20
}
