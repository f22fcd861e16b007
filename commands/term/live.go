package term

import (
	"io"
	"sync"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// frameEvery is the time from one frame to the next.
const frameEvery = 100 * time.Millisecond

// A Live is a Sink that shows a run as a tree at the bottom of the terminal,
// ten frames a second at most. Warnings, and messages that are of no job, stay
// on the screen above it; other messages of a job, the progress of a pull say,
// stand in its row until the next comes. When the pipeline ends, or Close is
// called, the tree is replaced by the list of all jobs, which stays. A Live
// reads keys only where Ask was called and while a job is on hold; Ctrl-C reaches
// the process as always. See Quiet for keys that are typed meanwhile.
type Live struct {
	theme Theme
	now   func() time.Time

	mu    sync.Mutex // of run and above
	run   *run
	above []string // waits to be printed above the tree
	asks  asking
	keys  sync.WaitGroup // of the goroutine that reads keys

	screenMu sync.Mutex // taken before mu
	screen   screen
	columns  int // of the terminal, a frame ago
	rows     int
	err      error // the first that writing met

	begin sync.Once
	end   sync.Once
	stop  chan struct{}
	ended chan struct{}
}

// NewLive returns a Live that paints on w, a terminal: theme.Size must be set.
func NewLive(w io.Writer, theme Theme) *Live {
	return &Live{
		theme: theme, now: time.Now, run: newRun(), screen: screen{w: w},
		stop: make(chan struct{}), ended: make(chan struct{}),
	}
}

// Handle takes e in; a goroutine paints. The error is that of the terminal.
func (l *Live) Handle(e event.Event) error {
	l.begin.Do(func() { go l.paintOften() })
	l.take(e)
	if _, ended := e.(event.PipelineFinished); ended {
		return l.Close()
	}
	select {
	case <-l.ended: // what is said after the end is printed below the list of jobs
		return l.paint(func(int, int) []string { return nil })
	default:
	}
	l.screenMu.Lock()
	defer l.screenMu.Unlock()
	return l.err
}

// take changes the state by e.
func (l *Live) take(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if out, ok := e.(event.Output); ok {
		if j := l.run.job(out.At); j != nil {
			j.write(out)
		}
		return
	}
	l.run.apply(e)
	l.ask(e)
	if m, ok := e.(event.Message); ok && (m.Level == event.Warning || m.JobID == 0) {
		l.above = append(l.above, l.theme.notice(l.run, m)...)
	}
}

// Close ends the painting and leaves the list of jobs on the screen. Calls
// after the first do nothing.
func (l *Live) Close() error {
	l.begin.Do(func() { close(l.ended) })
	l.end.Do(func() {
		close(l.stop)
		<-l.ended
		l.keys.Wait() // the terminal is as it was before
		l.settle()
		_ = l.paint(l.lastFrame) // in l.err
	})
	l.screenMu.Lock()
	defer l.screenMu.Unlock()
	l.screen.leave()
	return l.err
}

// paintOften paints the tree until stop.
func (l *Live) paintOften() {
	defer close(l.ended)
	ticker := time.NewTicker(frameEvery)
	defer ticker.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-ticker.C:
			_ = l.paint(l.frame) // in l.err: Handle tells it
		}
	}
}

// frame is the tree as it is now.
func (l *Live) frame(columns, rows int) []string {
	return l.theme.frame(l.run, columns, rows, l.now())
}

// settle makes the last frame come whatever the size, and brings back what a
// resize has wiped out.
func (l *Live) settle() {
	l.screenMu.Lock()
	defer l.screenMu.Unlock()
	l.columns, l.rows = 0, 0
	l.mu.Lock()
	defer l.mu.Unlock()
	l.above = append(l.screen.owed(), l.above...)
}

// lastFrame is what stays; nothing when nothing has happened.
func (l *Live) lastFrame(columns, _ int) []string {
	if l.run.started.IsZero() {
		return nil
	}
	return l.theme.lastFrame(l.run, columns)
}

// paint puts a frame on the screen, and above it what waits for that. The
// state is locked only while the frame is made: a slow terminal does not hold
// up the run.
func (l *Live) paint(frame func(columns, rows int) []string) error {
	l.screenMu.Lock()
	defer l.screenMu.Unlock()
	columns, rows := l.theme.Size()
	if l.resizing(columns, rows) {
		return l.err
	}
	l.mu.Lock()
	above, lines := l.above, frame(columns, rows)
	l.above = nil
	l.mu.Unlock()
	if l.err == nil {
		l.err = l.screen.paint(above, lines, columns, rows)
	}
	return l.err
}

// resizing says whether the terminal has another size than a frame ago: it
// is left alone until it has come to rest.
func (l *Live) resizing(columns, rows int) bool {
	moved := l.columns != 0 && (columns != l.columns || rows != l.rows)
	l.columns, l.rows = columns, rows
	return moved
}
