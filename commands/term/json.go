package term

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// jsonTime is RFC 3339 with milliseconds; always written in UTC.
const jsonTime = "2006-01-02T15:04:05.000Z07:00"

// A JSON is a Sink that prints one JSON object an event, one a line. The
// fields of each type are described in docs/json.md and do not change within
// schema 1; new ones may be added.
type JSON struct {
	mu    sync.Mutex
	w     *bufio.Writer
	enc   *json.Encoder
	names map[origin]string // of the steps that run
	parts map[origin]held
	timer *time.Timer
	armed bool
}

// held is the beginning of a character whose end has not come yet, and the
// output it came with.
type held struct {
	bytes string
	at    event.At
}

// NewJSON returns a JSON that prints to w.
func NewJSON(w io.Writer) *JSON {
	j := &JSON{w: bufio.NewWriterSize(w, 64<<10), names: map[origin]string{}, parts: map[origin]held{}}
	j.enc = json.NewEncoder(j.w)
	j.enc.SetEscapeHTML(false)
	return j
}

// Handle prints e. Output may be put together for 50 ms before it is written
// out, everything else goes out at once.
func (j *JSON) Handle(e event.Event) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := originOf(e.Where())
	switch e := e.(type) {
	case event.StepStarted:
		j.names[at] = e.Name
	case event.Output:
		return j.output(at, e)
	case event.StepFinished:
		if err := j.release(at); err != nil {
			return err
		}
		defer delete(j.names, at)
	}
	if err := j.print(e); err != nil {
		return err
	}
	return j.w.Flush()
}

// Close writes out what still waits.
func (j *JSON) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for at := range j.parts {
		if err := j.release(at); err != nil {
			return err
		}
	}
	if j.timer != nil {
		j.timer.Stop()
	}
	return j.w.Flush()
}

// output prints a piece of output in whole characters: what is cut off at
// its end goes before the next piece of the same step.
func (j *JSON) output(at origin, e event.Output) error {
	if part, ok := j.parts[at]; ok {
		e.Text = part.bytes + e.Text
		delete(j.parts, at)
	}
	whole := wholeRunes(e.Text)
	if whole < len(e.Text) {
		j.parts[at] = held{strings.Clone(e.Text[whole:]), e.At}
	}
	if e.Text = e.Text[:whole]; e.Text == "" {
		return nil
	}
	if err := j.print(e); err != nil {
		return err
	}
	j.flushSoon()
	return nil
}

// release prints the beginning of a character that will have no end.
func (j *JSON) release(at origin) error {
	part, ok := j.parts[at]
	if !ok {
		return nil
	}
	delete(j.parts, at)
	return j.print(event.Output{At: part.at, Text: part.bytes})
}

// print encodes e with the fields that all events have. encoding/json puts
// U+FFFD in place of what is no UTF-8.
func (j *JSON) print(e event.Event) error {
	at := e.Where()
	h := head{
		Schema: 1, Type: e.Type(), Time: at.Time.UTC().Format(jsonTime), Pipeline: at.Pipeline,
		Workflow: at.Workflow, Job: at.Job, JobID: at.JobID, Step: at.Step, StepName: j.names[originOf(at)],
	}
	if at.JobID > 0 {
		h.Node = &at.Node
	}
	return j.enc.Encode(record(h, e))
}

func (j *JSON) flushSoon() {
	if j.armed {
		return
	}
	j.armed = true
	if j.timer == nil {
		j.timer = time.AfterFunc(flushAfter, j.tick)
		return
	}
	j.timer.Reset(flushAfter)
}

func (j *JSON) tick() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.armed = false
	_ = j.w.Flush() // bufio remembers: the next Handle returns it
}

// wholeRunes is the length of text without a character that is cut off at
// its end.
func wholeRunes(text string) int {
	for i := len(text) - 1; i >= max(0, len(text)-utf8.UTFMax); i-- {
		if utf8.RuneStart(text[i]) {
			if utf8.FullRuneInString(text[i:]) {
				break
			}
			return i
		}
	}
	return len(text)
}
