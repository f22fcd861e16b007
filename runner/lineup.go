package runner

import "sync"

// A lineup says which step in the foreground is writing: the one that runs
// and, from the moment that one has passed, the one that was sent ahead. It
// follows what the driver does by the driver's own rules, whichever comes
// first here: the end of a step, or the sending of the next.
type lineup struct {
	mu     sync.Mutex
	runs   int  // the step that runs, or ran last
	over   bool // it has ended
	passed bool // with 0
	next   int  // sent ahead, and not begun yet; 0: none
}

// start tells that the driver was told to run a step.
func (l *lineup) start(step int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs, l.over, l.next = step, false, 0
}

// follow tells that a step was sent ahead.
func (l *lineup) follow(step int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.over:
		l.next = step
	case l.passed:
		l.runs, l.over = step, false
	}
}

// resume tells that the driver was told to do something more for the step that
// ran last.
func (l *lineup) resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = false
}

// end tells that what ran has ended.
func (l *lineup) end(code int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over, l.passed = true, code == 0
	if l.next != 0 && l.passed {
		l.runs, l.over = l.next, false
	}
	l.next = 0
}

// current returns the step that is writing.
func (l *lineup) current() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.runs
}
