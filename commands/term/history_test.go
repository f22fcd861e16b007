package term

import (
	"bytes"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

func pipelines() []PipelineRow {
	return []PipelineRow{
		{Number: 1042, Status: event.Running, Repo: "popsicle-ci/popsicle", Branch: "main", Commit: "1a2b3c4d5e", Dirty: true,
			Started: start.Add(-42 * time.Second), Jobs: map[event.Status]int{event.Running: 2, event.Queued: 3, event.Success: 1}},
		{Number: 1041, Status: event.Failed, Repo: "popsicle-ci/popsicle", Branch: "feature/a-branch-with-a-rather-long-name", Commit: "9f86d08188",
			Started: start.Add(-2 * time.Hour), Ended: start.Add(-2*time.Hour + 184*time.Second), Jobs: map[event.Status]int{event.Success: 5, event.Failed: 1, event.NotRun: 2}},
		{Number: 99, Status: event.Success, Repo: "someone/else", Branch: "v1.0", Commit: "0000000000",
			Started: start.Add(-50 * time.Hour), Ended: start.Add(-50*time.Hour + 1200*time.Millisecond), Jobs: map[event.Status]int{event.Success: 6}},
		{Number: 7, Status: event.Interrupted, Repo: "new", Branch: "main",
			Started: start.Add(-100 * 24 * time.Hour), Ended: start.Add(-100*24*time.Hour + 3*time.Hour), Jobs: map[event.Status]int{event.Canceled: 1}},
	}
}

func TestHistoryGolden(t *testing.T) {
	tests := []struct {
		name  string
		theme Theme
		rows  []PipelineRow
	}{
		{"history-100.txt", Theme{Unicode: true, Size: sized(100, 24)}, pipelines()},
		{"history-80.txt", Theme{Unicode: true, Size: sized(80, 24)}, pipelines()},
		{"history-40.txt", Theme{Size: sized(40, 24)}, pipelines()},
		{"history-one-repo.txt", Theme{Unicode: true, Color: true, Size: sized(80, 24)}, pipelines()[:2]},
		{"history.tsv", Theme{}, pipelines()},
		{"history-none.txt", Theme{Size: sized(80, 24)}, nil},
	}
	for _, test := range tests {
		var b bytes.Buffer
		if err := History(&b, test.rows, test.theme, start); err != nil {
			t.Fatal(err)
		}
		golden(t, test.name, b.String())
	}
}

func shown() []JobRow {
	at := func(s float64) time.Time {
		return start.Add(-2*time.Hour + time.Duration(s*float64(time.Second)))
	}
	return []JobRow{
		{Workflow: "build_and_test", Name: "build", Status: event.Failed, Image: "python:3.9", Started: at(0), Ended: at(64), Steps: []StepRow{
			{Number: 1, Name: "Spin up environment", Status: event.Success, Started: at(0), Ended: at(0.8)},
			{Number: 2, Name: "pytest", Status: event.Failed, ExitCode: 137, HasExit: true, Started: at(0.8), Ended: at(63)},
			{Number: 3, Name: "a step with a name that is rather long for forty columns", Status: event.Skipped},
		}},
		{Workflow: "build_and_test", Name: "deploy", Status: event.NotRun, Reason: "requires build, which failed"},
		{Workflow: "nightly", Name: "soak", Status: event.Running, Started: at(7100), Steps: []StepRow{
			{Node: 0, Number: 1, Name: "Spin up environment", Status: event.Running, Started: at(7100)},
			{Node: 1, Number: 1, Name: "Spin up environment", Status: event.TimedOut, Reason: "Too long with no output (exceeded 10m0s)", Started: at(7100), Ended: at(7150)},
		}},
	}
}

func TestShowGolden(t *testing.T) {
	for name, theme := range map[string]Theme{
		"show-80.txt":    {Unicode: true, Size: sized(80, 24)},
		"show-color.txt": {Unicode: true, Color: true, Size: sized(200, 24)},
		"show-40.txt":    {Size: sized(40, 24)},
		"show.tsv":       {},
	} {
		var b bytes.Buffer
		p := pipelines()[1]
		p.Subject = "runner: start jobs by edge, never by waves"
		if err := Show(&b, &b, Shown{Pipeline: p, Jobs: shown(), Warnings: []string{"test: more than 2.0 GiB of log: the rest is not kept"}}, theme, start); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.0s", 1249 * time.Millisecond: "1.2s", 59949 * time.Millisecond: "59.9s", 59960 * time.Millisecond: "1m00s",
		184 * time.Second: "3m04s", 3599*time.Second + 600*time.Millisecond: "1h00m", 125 * time.Minute: "2h05m", -time.Second: "0.0s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}

func TestUnicodeLocale(t *testing.T) {
	tests := []struct {
		all, ctype, lang string
		want             bool
	}{
		{"", "", "en_US.UTF-8", true}, {"", "", "C.utf8", true}, {"C", "", "en_US.UTF-8", false}, {"", "POSIX", "de_DE.UTF-8", false}, {"", "", "", false},
	}
	for _, test := range tests {
		if got := UnicodeLocale(test.all, test.ctype, test.lang); got != test.want {
			t.Errorf("%+v: got %v", test, got)
		}
	}
}
