package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/junit"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// storeTestResults reads JUnit files of the container into the history.
func (j *job) storeTestResults(ctx context.Context, _ plan.Step, a plan.StoreTestResults) (event.StepFinished, error) {
	h := j.harvest(ctx, a.Path)
	defer func() { h.close() }()
	t := &testReader{job: j}
	var err error
	for err == nil {
		var g grown
		if g, err = h.next(); err == nil && t.wants(h, g) {
			err = t.file(h, path.Join(h.path, g.name))
		}
	}
	switch {
	case errors.Is(err, errNothing):
		j.caution(fmt.Sprintf("%s: there is nothing at %s: no test results are stored", a.Path, h.path))
		return event.StepFinished{Status: event.Success}, nil
	case !errors.Is(err, io.EOF):
		return event.StepFinished{}, err
	}
	t.flush()
	if t.files == 0 {
		j.caution(fmt.Sprintf("%s: there are no test results in %s: JUnit files end in .xml, and hidden folders do not count", a.Path, h.path))
	} else {
		j.say("Read %s from %s: %d failed, %d skipped\n", plural(t.tests, "test"), plural(t.files, "file"), t.failed, t.skipped)
	}
	if h.said != "" {
		j.caution(fmt.Sprintf("%s: not all can be read: %s", h.path, h.said))
	}
	return event.StepFinished{Status: event.Success}, nil
}

// testBatch is how many tests are said at once.
const testBatch = 1000

// A testReader reads one file of results after the other.
type testReader struct {
	job                           *job
	batch                         []event.Test
	files, tests, failed, skipped int
}

// wants says whether a file is one of results: in a folder, those that end in
// .xml and lie in no hidden folder.
func (t *testReader) wants(h *harvest, g grown) bool {
	if !h.folder {
		return true
	}
	if g.twin != "" || !strings.EqualFold(path.Ext(g.name), ".xml") {
		return false
	}
	for part := range strings.SplitSeq(path.Dir(g.name), "/") {
		if part != "." && strings.HasPrefix(part, ".") {
			return false
		}
	}
	return true
}

// file reads one file. What is broken in it is said, and no error.
func (t *testReader) file(r io.Reader, name string) error {
	t.files++
	err := junit.Read(r, t.take)
	var broken *junit.SyntaxError
	if errors.As(err, &broken) {
		t.job.caution(fmt.Sprintf("%s:%s; the results before that are kept", name, broken))
		return nil
	}
	return err
}

// take takes one test, without secrets.
func (t *testReader) take(c junit.Case) {
	mask := t.job.runner.Mask.String
	one := event.Test{
		Suite: mask(c.Suite), Class: mask(c.Class), Name: mask(c.Name), File: mask(c.File),
		Result: event.TestResult(c.Result), Seconds: c.Seconds, Message: mask(c.Message),
	}
	t.tests++
	switch {
	case one.Result == event.TestSkipped:
		t.skipped++
	case !one.Result.Passed():
		t.failed++
	}
	if t.batch = append(t.batch, one); len(t.batch) == testBatch {
		t.flush()
	}
}

// flush says the tests that wait.
func (t *testReader) flush() {
	if len(t.batch) > 0 {
		t.job.runner.Out.Emit(event.TestsStored{At: t.job.at, Tests: t.batch})
		t.batch = nil
	}
}
