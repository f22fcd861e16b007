package realdocker

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What docs/faults.md says of a fault, a test whose name begins with
// TestFault shows.

// A said is one line of popsicle run --json.
type said struct {
	Type, Job, Kind, Status, Reason, Container, Text string
	Step                                             int
	Name                                             string
}

// A told is all that a run said, and how it ended.
type told struct {
	t      *testing.T
	code   int
	events []said
	stderr string
}

// runWith runs popsicle and lets fault happen at each event as it is said,
// while the run goes on.
func (p place) runWith(fault func(said), args ...string) told {
	p.t.Helper()
	cmd := p.command(append([]string{"run", "--json"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	r := told{t: p.t}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var e said
		if err := json.Unmarshal(line, &e); err != nil {
			p.t.Errorf("%v: %s", err, line)
		}
		r.events = append(r.events, e)
		fault(e)
	}
	_ = cmd.Wait() // the code is looked at
	r.code, r.stderr = cmd.ProcessState.ExitCode(), stderr.String()
	return r
}

// ends returns what a job and its last step said at their ends.
func (r told) ends(job string) (ended, step said) {
	for _, e := range r.events {
		switch {
		case e.Job != job:
		case e.Type == "job_finished":
			ended = e
		case e.Type == "step_finished":
			step = e
		}
	}
	return ended, step
}

// steps returns the ends of the steps of a job that had a status.
func (r told) steps(job, status string) []said {
	return slices.DeleteFunc(slices.Clone(r.events), func(e said) bool {
		return e.Type != "step_finished" || e.Job != job || e.Status != status
	})
}

// output returns what the steps of a job wrote.
func (r told) output(job string) string {
	var b strings.Builder
	for _, e := range r.events {
		if e.Type == "output" && e.Job == job {
			b.WriteString(e.Text)
		}
	}
	return b.String()
}

// wants fails the test unless the run had an exit code, and the job a status
// and a reason, and tells all that the run said where it was otherwise.
func (r told) wants(code int, job, status, reason string) {
	r.t.Helper()
	end, step := r.ends(job)
	if r.code != code || end.Status != status || !strings.Contains(end.Reason, reason) {
		r.t.Errorf("exit code %d, want %d; job %s is %q (%q), want %q (%q); its last step %+v\n%s\n%s",
			r.code, code, job, end.Status, end.Reason, status, reason, step, r.output(job), r.stderr)
	}
}

// docker runs docker, which must succeed, and returns what it printed.
func (p place) docker(args ...string) string {
	p.t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("docker %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// inside says whether a command succeeds in a container.
func inside(container string, command ...string) bool {
	return exec.Command("docker", append([]string{"exec", container}, command...)...).Run() == nil
}

// has says whether an event of a type has text in it.
func (r told) has(kind, text string) bool {
	return slices.ContainsFunc(r.events, func(e said) bool { return e.Type == kind && strings.Contains(e.Text, text) })
}
