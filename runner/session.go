package runner

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/popsicle-ci/popsicle/runner/docker"
)

//go:embed driver.sh
var driverSource string

// circleciSource is what the commands circleci and circleci-agent do in a job.
//
//go:embed circleci.sh
var circleciSource string

// driver and commands are the scripts as they are sent: read byte by byte.
var (
	driver   = sync.OnceValue(func() string { return stripped(driverSource) })
	commands = sync.OnceValue(func() string { return stripped(circleciSource) })
)

// stripped is a script without its comments and indentation.
func stripped(source string) string {
	var b strings.Builder
	for line := range strings.Lines(source) {
		if t := strings.TrimSpace(line); t != "" && !strings.HasPrefix(t, "#") || strings.HasPrefix(line, "#!") {
			b.WriteString(strings.TrimLeft(line, "\t"))
		}
	}
	return b.String()
}

// bootstrap reads the driver from standard input. It stands in the process
// list of the container, where a step's pkill -f must not find words in it.
const bootstrap = `while IFS= read -r l && [ "$l" != . ]; do s="$s$l
"; done; eval "$s"`

// errEnded means that the container ended while something was asked of it.
var errEnded = errors.New("the container ended")

// A hello is what the driver says about its container.
type hello struct {
	UID, GID  int
	Bash, Tar bool
	Dir       string // the driver's own folder
	Home      string
}

func parseHello(line string) (hello, error) {
	line, home, _ := strings.Cut(line, " home=")
	values := map[string]string{}
	for field := range strings.FieldsSeq(line) {
		name, value, _ := strings.Cut(field, "=")
		values[name] = value
	}
	uid, err1 := strconv.Atoi(values["uid"])
	gid, err2 := strconv.Atoi(values["gid"])
	h := hello{
		UID: uid, GID: gid, Bash: values["bash"] == "y", Tar: values["tar"] == "y", Dir: values["dir"], Home: home,
	}
	if h.Dir == "" {
		err1 = errors.Join(err1, errors.New("no folder"))
	}
	return h, errors.Join(err1, err2)
}

// A wire is what a conversation goes over: the standard input and output of a
// container, and how its end is explained.
type wire struct {
	in   io.WriteCloser
	out  io.Reader
	wait func() error // returns once the container has ended
}

func wireTo(ct *docker.Container) wire { return wire{ct.Stdin, ct.Stdout, ct.Wait} }

// A session is the conversation with the driver of one live container.
type session struct {
	wire
	hello hello

	output func(step int, p []byte) // what a step wrote; the bytes are only lent
	lineup lineup                   // whose output arrives
	halted atomic.Int64             // the step that said that the job is to end; 0: none
	begun  time.Time                // with the clock that never jumps
	heard  atomic.Int64             // when something was last written, in nanoseconds after begun

	greet chan hello
	done  chan int // answers to untar and eval
	mu    sync.Mutex
	ends  map[int]chan int // exit codes of steps
	ended chan struct{}    // closed at the end of the driver's output
	err   error            // why the conversation broke down, once ended is closed
}

// newSession starts the conversation with a container that runs bootstrap.
// output is called by one goroutine, until ended is closed.
func newSession(w wire, output func(step int, p []byte)) *session {
	s := &session{
		wire: w, output: output, begun: time.Now(),
		greet: make(chan hello, 1), done: make(chan int, 1),
		ends: map[int]chan int{}, ended: make(chan struct{}),
	}
	s.lineup.start(1) // "Spin up environment"
	token := newToken()
	go s.listen(token)
	s.send(driver() + ".\n" + token + "\n")
	s.file("circleci.sh", commands()) // it is there before the first step, and nobody waits for it
	return s
}

// newToken begins with a control character that programs do not print, so
// that output need not be held back for looking like a token.
func newToken() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	return "\x1e" + hex.EncodeToString(random[:])
}

// send writes a frame. A container that is gone is noticed where its answer
// is missing.
func (s *session) send(frame string) { _, _ = io.WriteString(s.in, frame) }

func (s *session) listen(token string) {
	d := &demux{
		token: []byte(token),
		text: func(p []byte) {
			s.hear()
			s.output(s.lineup.current(), p)
		},
		control: s.control,
	}
	_, err := io.CopyBuffer(onlyWriter{d}, s.out, make([]byte, 64<<10))
	d.Flush()
	s.mu.Lock()
	s.err = errors.Join(s.err, err)
	s.mu.Unlock()
	close(s.ended)
}

// onlyWriter hides whatever else a writer can do, so that io.CopyBuffer uses
// the buffer it is given.
type onlyWriter struct{ io.Writer }

// control takes one line from the driver.
func (s *session) control(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	first, text, _ := strings.Cut(rest, " ")
	switch verb {
	case "hello":
		h, err := parseHello(rest)
		s.fail(err)
		give(s.greet, h)
	case "done":
		code, err := strconv.Atoi(rest)
		s.fail(err)
		s.over(code)
		give(s.done, code)
	case "bg":
		step, err := strconv.Atoi(first)
		s.fail(err)
		s.output(step, []byte(text+"\n"))
	case "end":
		step, err1 := strconv.Atoi(first)
		exit, halt := strings.CutSuffix(text, " halt")
		code, err2 := strconv.Atoi(exit)
		s.fail(errors.Join(err1, err2))
		if halt {
			s.halted.CompareAndSwap(0, int64(step))
			s.lineup.end(1) // what was sent ahead has not begun
		} else {
			s.over(code)
		}
		give(s.end(step), code)
	case "skip":
		// The step before failed, so that nobody waits for this one.
	default:
		s.fail(fmt.Errorf("unexpected %q", line))
	}
}

// give hands an answer over. Where nobody took the one before, the job is
// over, and nobody will: the listener must go on to the end.
func give[T any](to chan T, answer T) {
	select {
	case to <- answer:
	default:
	}
}

func (s *session) fail(err error) {
	if err != nil {
		s.mu.Lock()
		s.err = errors.Join(s.err, fmt.Errorf("driver: %w", err))
		s.mu.Unlock()
	}
}

// end returns the channel that the exit code of a step arrives on.
func (s *session) end(step int) chan int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ends[step] == nil {
		s.ends[step] = make(chan int, 1)
	}
	return s.ends[step]
}

// meet waits until the driver answers.
func (s *session) meet(ctx context.Context) error {
	select {
	case s.hello = <-s.greet:
		return nil
	case <-s.ended:
		return s.broken()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// broken explains the end of the driver's output: by the client's own words
// where it has any.
func (s *session) broken() error {
	if err := s.wait(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(errEnded, s.err)
}

// lost explains a container that ended under a step.
func (s *session) lost() error {
	return fmt.Errorf("the container ended while the step ran: the step killed it, or the engine stopped it: %w", s.broken())
}

// answer waits for the exit code of what was last asked.
func (s *session) answer(ctx context.Context) (int, error) {
	select {
	case code := <-s.done:
		return code, nil
	case <-s.ended:
		return 0, s.lost()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// eval runs text in the shell that all steps begin in, and returns its code.
func (s *session) eval(ctx context.Context, text string) (int, error) {
	s.ask(text)
	return s.answer(ctx)
}

// ask is eval without waiting for the answer.
func (s *session) ask(text string) {
	s.lineup.resume()
	s.send("eval " + counted(text))
}

// put writes a file into the driver's folder.
func (s *session) put(file, text string) {
	n, lines, _ := strings.Cut(counted(text), "\n")
	s.send("put " + file + " " + n + "\n" + lines)
}

// file is put for a long text of whole lines.
func (s *session) file(name, text string) {
	s.send(fmt.Sprintf("file %s %d %d\n%s", name, len(text), strings.Count(text, "\n"), text))
}

// counted is text, whole lines of it, after a line with their number.
func counted(text string) string {
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return strconv.Itoa(strings.Count(text, "\n")) + "\n" + text
}

// start begins a step in the foreground.
func (s *session) start(step int, shell string) {
	s.lineup.start(step)
	s.hear()
	s.send(fmt.Sprintf("step %d %s\n", step, shell))
}

// follow sends a step ahead: it begins when the one that runs has ended with
// 0, without the way to popsicle and back in between.
func (s *session) follow(step int, shell string) {
	s.lineup.follow(step)
	s.send(fmt.Sprintf("then %d %s\n", step, shell))
}

// over notes that what the driver did has ended: what was sent ahead may run.
func (s *session) over(code int) {
	s.hear()
	s.lineup.end(code)
}

// beside begins a step in the background.
func (s *session) beside(step int, shell string) {
	s.send(fmt.Sprintf("bg %d %s\n", step, shell))
}

// kill signals the process group of a step: "INT", "TERM", "KILL".
func (s *session) kill(step int, signal string) {
	s.send(fmt.Sprintf("kill %s %d\n", signal, step))
}

// hear notes that something is heard of the steps now.
func (s *session) hear() { s.heard.Store(int64(time.Since(s.begun))) }

// silence returns for how long no step has written anything.
func (s *session) silence(now time.Time) time.Duration {
	return now.Sub(s.begun) - time.Duration(s.heard.Load())
}
