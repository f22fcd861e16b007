package term

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// An ArtifactRow is one artifact of a pipeline of the history.
type ArtifactRow struct {
	Job  string
	Node int
	Path string
	Size int64 // bytes
}

// Artifacts writes a table of artifacts, in the order given. Where the theme
// is no terminal, each is a line of tab-separated values: job, node, bytes,
// path.
func Artifacts(w io.Writer, rows []ArtifactRow, theme Theme) error {
	t := &table{columns: []column{{title: "job", least: 8}, {title: "node", right: true, weak: 1}, {title: "size", right: true}, {title: "path"}}}
	parallel := false
	for _, r := range rows {
		parallel = parallel || r.Node > 0
		node := fmt.Sprint(r.Node)
		t.add(cell{text: r.Job, raw: r.Job, style: faint}, cell{text: node, raw: node},
			cell{text: humanize.Bytes(uint64(r.Size)), raw: fmt.Sprint(r.Size)}, cell{text: r.Path, raw: r.Path})
	}
	if theme.Size != nil && !parallel {
		t.drop(1)
	}
	return t.write(w, theme)
}

// A TestRow is one test of a pipeline of the history.
type TestRow struct {
	Job  string
	Node int
	event.Test
}

// Tests writes tests, in the order given, each in a line; with why, all that
// is known of why they failed below it. Where the theme is no terminal, each
// is a line of tab-separated values: job, node, result, seconds, suite, class,
// name, file, first line of the message.
func Tests(w io.Writer, rows []TestRow, why bool, theme Theme) error {
	if theme.Size == nil {
		return testsRaw(w, rows)
	}
	out := bufio.NewWriter(w)
	for _, r := range rows {
		status := testStatus(r.Result)
		line := theme.mark(status) + " " + theme.paint(faint, clean(r.Job)+":") + " " + theme.testTitle(r.Test)
		out.WriteString(theme.spread(line, fmt.Sprintf("%.2fs", r.Seconds), min(theme.columns(), widestRow)) + "\n")
		if why {
			theme.message(out, r)
		}
	}
	return out.Flush()
}

// message writes why a test failed, behind a bar.
func (t Theme) message(out *bufio.Writer, r TestRow) {
	if r.File != "" {
		out.WriteString("  " + t.paint(faint, clean(r.File)) + "\n")
	}
	for line := range strings.SplitSeq(strings.TrimSpace(r.Message), "\n") {
		if r.Message != "" {
			out.WriteString("  " + t.paint(faint, t.pick("│", "|")) + " " + clean(line) + "\n")
		}
	}
}

// testStatus is the state that a result is shown as.
func testStatus(r event.TestResult) event.Status {
	switch r {
	case event.TestSuccess:
		return event.Success
	case event.TestSkipped:
		return event.Skipped
	}
	return event.Failed
}

func testsRaw(w io.Writer, rows []TestRow) error {
	t := &table{}
	for _, r := range rows {
		t.add(cell{raw: r.Job}, cell{raw: fmt.Sprint(r.Node)}, cell{raw: string(r.Result)}, cell{raw: fmt.Sprintf("%.3f", r.Seconds)},
			cell{raw: r.Suite}, cell{raw: r.Class}, cell{raw: r.Name}, cell{raw: r.File}, cell{raw: firstOf(r.Message)})
	}
	return t.writeRaw(w)
}
