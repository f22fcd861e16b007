package term

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// results is what the steps of a job kept: tests and artifacts.
type results struct {
	tests     map[event.TestResult]int
	failed    []event.Test // the first mostFailed of those that failed
	artifacts int
	bytes     int64
}

// mostFailed is how many failed tests a summary names.
const mostFailed = 20

func (r *results) keep(e event.ArtifactsStored) {
	r.artifacts += len(e.Files)
	for _, f := range e.Files {
		r.bytes += f.Size
	}
}

func (r *results) count(e event.TestsStored) {
	if r.tests == nil {
		r.tests = map[event.TestResult]int{}
	}
	for _, t := range e.Tests {
		r.tests[t.Result]++
		if !t.Result.Passed() && len(r.failed) < mostFailed {
			r.failed = append(r.failed, t)
		}
	}
}

// add puts the results of another job to those of r.
func (r *results) add(other results) {
	if r.tests == nil {
		r.tests = map[event.TestResult]int{}
	}
	for result, n := range other.tests {
		r.tests[result] += n
	}
	r.artifacts, r.bytes = r.artifacts+other.artifacts, r.bytes+other.bytes
}

// failures is how many tests failed.
func (r results) failures() int { return r.tests[event.TestFailure] + r.tests[event.TestError] }

// total is how many tests there are.
func (r results) total() (n int) {
	for _, of := range r.tests {
		n += of
	}
	return n
}

// results puts those of all jobs together.
func (r *run) results() (all results) {
	for _, j := range r.jobs {
		all.add(j.results)
	}
	return all
}

// failedTests names the tests that failed, each with the first line of why.
func (t Theme) failedTests(r *run, columns int) []string {
	all := r.results()
	if all.failures() == 0 {
		return nil
	}
	head := fmt.Sprintf("%d of %s failed", all.failures(), count(all.total(), "test"))
	lines := t.hang(bold, head, t.mark(event.Failed)+" ", "  ", columns)
	named := 0
	for _, j := range r.jobs {
		for _, test := range j.results.failed {
			if named == mostFailed {
				break
			}
			named++
			lines = append(lines, t.failedTest(r, j, test, columns)...)
		}
	}
	if rest := all.failures() - named; rest > 0 {
		lines = append(lines, "  "+t.paint(faint, t.pick("… ", "... ")+fmt.Sprintf("and %d more", rest)))
	}
	return append(lines, t.command("read the rest:", fmt.Sprintf("popsicle tests %d --failed", r.pipeline.Pipeline), columns)...)
}

func (t Theme) failedTest(r *run, j *job, test event.Test, columns int) []string {
	text := t.testTitle(test)
	if len(r.jobs) > 1 {
		text = r.label(j) + ": " + text
	}
	if why := firstOf(test.Message); why != "" {
		text += ": " + why
	}
	line := "  " + t.paint(red, t.pick("• ", "* ")) + text
	if columns > 0 {
		line = t.truncate(line, columns)
	}
	return []string{line}
}

// testTitle names a test by its suite, its class where that says more than
// the suite, and its name.
func (t Theme) testTitle(test event.Test) string {
	var parts []string
	for _, part := range []string{test.Suite, test.Class, test.Name} {
		if part = firstOf(part); part != "" && (len(parts) == 0 || part != parts[len(parts)-1]) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, t.pick(" › ", " > "))
}

// firstOf is the first line of a text.
func firstOf(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return clean(line)
}

// kept says what the run left to be looked at.
func (t Theme) kept(r *run, columns int) []string {
	all := r.results()
	var lines []string
	if n := all.total(); n > 0 {
		text := count(n, "test")
		for _, part := range []struct {
			n    int
			word string
		}{{all.failures(), "failed"}, {all.tests[event.TestSkipped], "skipped"}, {all.tests[event.TestSuccess], "passed"}} {
			if part.n > 0 {
				text += fmt.Sprintf(", %d %s", part.n, part.word)
			}
		}
		lines = append(lines, t.hang(normal, fmt.Sprintf("%s: popsicle tests %d", text, r.pipeline.Pipeline), "", "  ", columns)...)
	}
	if all.artifacts > 0 {
		text := fmt.Sprintf("%s, %s: popsicle artifacts %d", count(all.artifacts, "artifact"), humanize.Bytes(uint64(all.bytes)), r.pipeline.Pipeline)
		lines = append(lines, t.hang(normal, text, "", "  ", columns)...)
	}
	return lines
}
