// Demo plays a run on the terminal, to look at. It is not shipped.
//
//	go run ./testdata/demo [-mode live|plain|json] [-ascii] [-no-color] [-speed 1] small|many|cancel|wide
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/popsicle-ci/popsicle/commands/term"
	"github.com/popsicle-ci/popsicle/runner/event"
)

var (
	mode    = flag.String("mode", "live", "live, plain or json")
	ascii   = flag.Bool("ascii", false, "no Unicode")
	noColor = flag.Bool("no-color", false, "no colour")
	speed   = flag.Float64("speed", 1, "how fast time runs")
)

func main() {
	flag.Parse()
	theme := term.Theme{Color: !*noColor, Unicode: !*ascii}
	if term.IsTerminal(os.Stdout) {
		theme.Size = term.Size(os.Stdout)
	}
	if *mode == "live" {
		defer term.Quiet(os.Stdin)()
	}
	stream := event.NewStream(sinks(theme)...)
	d := demo{stream: stream, stop: make(chan os.Signal, 1)}
	signal.Notify(d.stop, os.Interrupt)
	switch flag.Arg(0) {
	case "many":
		d.many()
	case "wide":
		d.wide()
	default:
		d.small()
	}
	if err := stream.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func sinks(theme term.Theme) []event.Sink {
	summary := term.NewSummary(os.Stdout, theme)
	switch *mode {
	case "json":
		return []event.Sink{term.NewJSON(os.Stdout)}
	case "plain":
		return []event.Sink{term.NewPlain(os.Stdout, theme), summary}
	}
	summary.OmitJobs = true
	return []event.Sink{term.NewLive(os.Stdout, theme), summary}
}

type demo struct {
	stream *event.Stream
	stop   chan os.Signal
	mu     sync.Mutex
	failed bool
}

func at(id, step int, workflow, name string) event.At {
	return event.At{Pipeline: 12, Workflow: workflow, Job: name, JobID: id, Step: step}
}

func (d *demo) sleep(t time.Duration) bool {
	select {
	case s := <-d.stop:
		d.stop <- s
		return false
	case <-time.After(time.Duration(float64(t) / *speed)):
		return true
	}
}

// job plays one job and says how it ended.
func (d *demo) job(id int, workflow, name string, steps int, each time.Duration, fails bool) event.Status {
	e := d.stream.Emit
	status := event.Success
	e(event.JobStarted{At: at(id, 0, workflow, name)})
	for n := 1; n <= steps && status == event.Success; n++ {
		title, kind := fmt.Sprintf("make part%d", n), "run"
		if n == 1 {
			title, kind = "Spin up environment", "environment"
		}
		a := at(id, n, workflow, name)
		e(event.StepStarted{At: a, Name: title, Kind: kind, File: ".popsicle/ci.yml", Line: 10 + n})
		for i := range 10 {
			if !d.sleep(each / 10) {
				status = event.Canceled
				break
			}
			e(event.Output{At: a, Text: fmt.Sprintf("\x1b[32mok\x1b[0m   github.com/popsicle-ci/popsicle/%s\t%d.%03ds 日本語 e\u0301 %s\n", name, i, rand.IntN(1000), "a rather long tail of a line that does not fit in most terminals at all, so it is cut")})
		}
		code := 0
		if status == event.Success && fails && n == steps {
			status, code = event.Failed, 1
		}
		e(event.StepFinished{At: a, Status: status, ExitCode: code, HasExit: status != event.Canceled})
	}
	d.mu.Lock()
	d.failed = d.failed || status != event.Success
	d.mu.Unlock()
	repro := ""
	if status == event.Failed {
		repro = `docker run --rm -it -v "$PWD":/root/project -w /root/project golang:1.26@sha256:0123456789abcdef sh -c 'go test ./...'`
	}
	e(event.JobFinished{At: at(id, 0, workflow, name), Status: status, Repro: repro})
	return status
}

func (d *demo) open(jobs int, workflows ...string) {
	d.stream.Emit(event.PipelineStarted{At: event.At{Pipeline: 12}, Repo: "popsicle-ci/popsicle", Branch: "main", Commit: "1a2b3c4d5e6f", Jobs: jobs, Workflows: workflows})
	d.stream.Emit(event.TreeRead{At: event.At{Pipeline: 12}, Tree: "9fceb02a1", Dirty: true, Files: 321, Changed: []string{"main.go"}})
}

func (d *demo) close() {
	status := event.Success
	if d.failed {
		status = event.Failed
	}
	if len(d.stop) > 0 {
		status = event.Canceled
	}
	d.stream.Emit(event.PipelineFinished{At: event.At{Pipeline: 12}, Status: status})
}

func (d *demo) small() {
	names := []string{"setup", "build", "lint", "test-with-a-name-that-is-really-long-to-see-what-happens", "deploy"}
	requires := [][]string{nil, {"setup"}, {"setup"}, {"build"}, {"test-with-a-name-that-is-really-long-to-see-what-happens", "lint"}}
	d.open(5, "build_and_test")
	for i, n := range names {
		d.stream.Emit(event.JobQueued{At: at(i+1, 0, "build_and_test", n), Kind: "docker", Image: "golang:1.26", Requires: requires[i], Steps: 4})
	}
	d.job(1, "build_and_test", "setup", 3, 2*time.Second, false)
	d.stream.Emit(event.Message{At: at(2, 0, "build_and_test", "build"), Level: event.Warning, Text: "golang:1.26 has no arm64 image: it runs emulated, about four times slower"})
	var wg sync.WaitGroup
	wg.Go(func() {
		if d.job(2, "build_and_test", "build", 5, 2*time.Second, false) == event.Success {
			d.job(4, "build_and_test", names[3], 3, 2*time.Second, true)
		} else {
			d.stream.Emit(event.JobFinished{At: at(4, 0, "build_and_test", names[3]), Status: event.Canceled})
		}
	})
	wg.Go(func() { d.job(3, "build_and_test", "lint", 8, 2*time.Second, false) })
	wg.Wait()
	d.stream.Emit(event.JobFinished{At: at(5, 0, "build_and_test", "deploy"), Status: event.NotRun, Reason: "requires test-with-a-name-that-is-really-long-to-see-what-happens, which failed"})
	d.close()
}

func (d *demo) many() {
	d.open(200, "matrix", "nightly")
	workflow := func(id int) string {
		if id > 150 {
			return "nightly"
		}
		return "matrix"
	}
	for id := 1; id <= 200; id++ {
		var requires []string
		if id > 8 && id != 151 {
			requires = []string{fmt.Sprintf("test-%d", id-8)}
		}
		d.stream.Emit(event.JobQueued{At: at(id, 0, workflow(id), fmt.Sprintf("test-%d", id)), Kind: "docker", Image: "golang:1.26", Requires: requires, Steps: 2})
	}
	ids := make(chan int, 200)
	for id := 1; id <= 200; id++ {
		ids <- id
	}
	close(ids)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for id := range ids {
				d.job(id, workflow(id), fmt.Sprintf("test-%d", id), 2, time.Duration(500+rand.IntN(1000))*time.Millisecond, id%40 == 7)
			}
		})
	}
	wg.Wait()
	d.close()
}

// wide plays lines that are hard to measure.
func (d *demo) wide() {
	d.open(1, "wide")
	d.stream.Emit(event.JobQueued{At: at(1, 0, "wide", "日本語のジョブ👩‍👩‍👧"), Kind: "docker", Steps: 1})
	a := at(1, 1, "wide", "日本語のジョブ👩‍👩‍👧")
	d.stream.Emit(event.JobStarted{At: at(1, 0, "wide", "日本語のジョブ👩‍👩‍👧")})
	d.stream.Emit(event.StepStarted{At: a, Name: "テスト 🚀", Kind: "run"})
	for i := range 100 {
		d.stream.Emit(event.Output{At: a, Text: fmt.Sprintf("%d 👩‍👩‍👧🇩🇪✈️ e\u0301é 漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字\x1b[41m色\x1b]0;title\a\n", i)})
		if !d.sleep(100 * time.Millisecond) {
			break
		}
	}
	d.stream.Emit(event.StepFinished{At: a, Status: event.Success})
	d.stream.Emit(event.JobFinished{At: at(1, 0, "wide", "日本語のジョブ👩‍👩‍👧"), Status: event.Success})
	d.close()
}
