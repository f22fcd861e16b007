package term

import (
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// An asking is the jobs on hold that a Live asks about: a key, y or n, decides
// about the first. Keys are read while there is one, and at no other time: what
// is typed then waits for the shell.
type asking struct {
	keys    *os.File // nil: nobody is asked
	answer  func(job event.At, approved bool)
	held    []event.At
	reading bool
}

// Ask makes the Live ask about jobs on hold on a terminal. answer is called
// for each key that decides, in a goroutine of its own.
func (l *Live) Ask(keys *os.File, answer func(job event.At, approved bool)) {
	if IsTerminal(keys) {
		l.asks = asking{keys: keys, answer: answer}
	}
}

// ask takes e in; l.mu is held.
func (l *Live) ask(e event.Event) {
	a, at := &l.asks, e.Where()
	switch e.(type) {
	case event.JobHeld:
		if a.keys == nil {
			return
		}
		if a.held = append(a.held, at); !a.reading {
			a.reading = true
			l.keys.Go(l.readKeys)
		}
	case event.JobFinished:
		a.held = slices.DeleteFunc(a.held, func(h event.At) bool { return h.JobID == at.JobID })
	}
	l.run.asked = 0
	if len(a.held) > 0 {
		l.run.asked = a.held[0].JobID
	}
}

// decide answers the question that stands on the screen.
func (l *Live) decide(approved bool) {
	l.mu.Lock()
	a := &l.asks
	if len(a.held) == 0 {
		l.mu.Unlock()
		return
	}
	job := a.held[0]
	a.held, l.run.asked = a.held[1:], 0
	if len(a.held) > 0 {
		l.run.asked = a.held[0].JobID
	}
	l.mu.Unlock()
	a.answer(job, approved)
}

// asksOn says whether there is still a question; where not, nobody reads keys
// from then on.
func (l *Live) asksOn() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.stop:
		l.asks.reading = false
	default:
		l.asks.reading = len(l.asks.held) > 0
	}
	return l.asks.reading
}

// keyWait is how long a key is waited for before the question is looked at
// again.
const keyWait = 100 * time.Millisecond

// readKeys reads keys one by one until there is no question left. What was
// typed before a question was asked is no answer to it.
func (l *Live) readKeys() {
	fd := int(l.asks.keys.Fd())
	restore := oneByOne(fd)
	defer func() { restore() }()
	key := make([]byte, 1)
	for l.asksOn() {
		if !inForeground(fd) { // to read would stop the process
			l.pause()
			continue
		}
		if n, err := unix.Read(fd, key); n != 1 || err != nil {
			if err != nil && err != unix.EINTR {
				l.pause()
			}
			continue
		}
		switch key[0] {
		case 'y', 'Y':
			l.decide(true)
		case 'n', 'N':
			l.decide(false)
		}
	}
}

// pause waits until it is worth to look at the keys again.
func (l *Live) pause() {
	select {
	case <-l.stop:
	case <-time.After(keyWait):
	}
}

// oneByOne makes reads from a terminal return after one key, or without any
// after keyWait, and drops what was typed so far.
func oneByOne(fd int) (restore func()) {
	before, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return func() {}
	}
	mode := *before
	mode.Lflag &^= unix.ECHO | unix.ICANON
	mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 0, uint8(keyWait/(100*time.Millisecond))
	setMode(fd, &mode)
	if inForeground(fd) {
		dropInput(fd)
	}
	return func() { setMode(fd, before) }
}
