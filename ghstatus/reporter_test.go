package ghstatus

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// at is a place in pipeline 7, some seconds after noon.
func at(seconds int, workflow, name string, id int) event.At {
	return event.At{Time: noon.Add(time.Duration(seconds) * time.Second), Pipeline: 7, Workflow: workflow, Job: name, JobID: id}
}

// A story is what happens in a run of two jobs, build and test.
func story(source string, trees []event.TreeRead, test event.Status, end event.Status) []event.Event {
	all := []event.Event{event.PipelineStarted{At: at(0, "", "", 0), Source: source}}
	all = append(all, event.JobQueued{At: at(0, "main", "build", 1)}, event.JobQueued{At: at(0, "main", "test", 2)}, trees[0])
	all = append(all,
		event.JobStarted{At: at(0, "main", "build", 1)}, event.JobReady{At: at(1, "main", "build", 1), Arch: "arm64"},
		event.JobFinished{At: at(10, "main", "build", 1), Status: event.Success},
		event.JobStarted{At: at(10, "main", "test", 2)},
		event.StepStarted{At: at(11, "main", "test", 2), Name: "pytest"},
		event.StepFinished{At: at(40, "main", "test", 2), Status: test, ExitCode: 3, HasExit: test == event.Failed},
		event.StepStarted{At: at(40, "main", "test", 2), Name: "clean up"},
		event.JobFinished{At: at(42, "main", "test", 2), Status: test},
		event.WorkflowFinished{At: at(42, "main", "", 0), Status: end})
	for _, t := range trees[1:] {
		all = append(all, t)
	}
	return append(all, event.PipelineFinished{At: at(43, "", "", 0), Status: end})
}

// rerun is a run of build and test in which test passes at the second try.
func rerun() []event.Event {
	again := func(s int) event.At { return at(s, "main", "test (rerun 1)", 3) }
	return []event.Event{
		event.PipelineStarted{At: at(0, "", "", 0), Source: "commit"},
		event.JobQueued{At: at(0, "main", "build", 1)}, event.JobQueued{At: at(0, "main", "test", 2)}, event.TreeRead{At: at(1, "", "", 0), Equal: true},
		event.JobFinished{At: at(10, "main", "build", 1), Status: event.Success},
		event.StepStarted{At: at(11, "main", "test", 2), Name: "pytest"}, event.JobFinished{At: at(12, "main", "test", 2), Status: event.Failed},
		event.JobQueued{At: again(12), RerunOf: 2},
		event.JobFinished{At: again(20), Status: event.Success},
		event.WorkflowFinished{At: at(20, "main", "", 0), Status: event.Success}, event.PipelineFinished{At: at(20, "", "", 0), Status: event.Success},
	}
}

// held is a run of hold, which somebody has to approve, and of deploy after it.
func held(ends ...event.Event) []event.Event {
	return append([]event.Event{
		event.PipelineStarted{At: at(0, "", "", 0), Source: "commit"},
		event.JobQueued{At: at(0, "main", "hold", 1)}, event.JobQueued{At: at(0, "main", "deploy", 2)},
		event.JobHeld{At: at(0, "main", "hold", 1)}, event.TreeRead{At: at(1, "", "", 0), Equal: true},
	}, ends...)
}

func TestReporter(t *testing.T) {
	clean := event.TreeRead{At: at(1, "", "", 0), Equal: true}
	dirty := event.TreeRead{At: at(1, "", "", 0), Dirty: true}
	unstable := event.TreeRead{At: at(43, "", "", 0), Equal: true, Unstable: true}
	tests := []struct {
		name   string
		perJob bool
		events []event.Event
		want   []string
	}{
		{"passed", false, story("commit", []event.TreeRead{clean}, event.Success, event.Success), []string{
			"popsicle/main pending: 2 jobs to run",
			"popsicle/main success: 2 jobs passed in 42s on arm64",
		}},
		{"run again", false, rerun(), []string{"popsicle/main pending: 2 jobs to run", "popsicle/main success: 2 jobs passed in 20s"}},
		{"a job run again", true, rerun(), []string{
			"popsicle/main/build pending: queued", "popsicle/main/test pending: queued",
			"popsicle/main/build success: passed", "popsicle/main/test failure: failed at \"pytest\"", "popsicle/main/test success: passed",
		}},
		{"failed", false, story("commit", []event.TreeRead{clean}, event.Failed, event.Failed), []string{
			"popsicle/main pending: 2 jobs to run",
			`popsicle/main failure: test failed at "pytest" (exit 3) in 42s on arm64`,
		}},
		{"timed out", false, story("worktree", []event.TreeRead{clean}, event.TimedOut, event.TimedOut), []string{
			"popsicle/main pending: 2 jobs to run",
			`popsicle/main error: test failed at "pytest" (timed out) in 42s on arm64`,
		}},
		{"canceled", false, story("worktree", []event.TreeRead{clean}, event.Canceled, event.Canceled), []string{
			"popsicle/main pending: 2 jobs to run",
			"popsicle/main error: canceled in 42s on arm64",
		}},
		{"not needed", false, story("worktree", []event.TreeRead{clean}, event.NotRun, event.Success), []string{
			"popsicle/main pending: 2 jobs to run",
			"popsicle/main success: 1 of 2 jobs passed in 42s on arm64",
		}},
		{"a job each", true, story("commit", []event.TreeRead{clean}, event.Failed, event.Failed), []string{
			"popsicle/main/build pending: queued",
			"popsicle/main/test pending: queued",
			"popsicle/main/build success: passed in 10s on arm64",
			`popsicle/main/test failure: failed at "pytest" (exit 3) in 32s`,
		}},
		{"approved", false, held(event.JobFinished{At: at(5, "main", "hold", 1), Status: event.Success, Reason: "approved by ada"}), []string{
			"popsicle/main pending: waiting for approval: hold", "popsicle/main pending: 1 job to run",
		}},
		{"rejected", false, held(
			event.JobFinished{At: at(5, "main", "hold", 1), Status: event.Canceled, Reason: "rejected by ada"},
			event.JobFinished{At: at(5, "main", "deploy", 2), Status: event.NotRun},
			event.WorkflowFinished{At: at(5, "main", "", 0), Status: event.Canceled}), []string{
			"popsicle/main pending: waiting for approval: hold", "popsicle/main error: canceled in 5s",
		}},
		{"an approval each", true, held(event.JobFinished{At: at(5, "main", "hold", 1), Status: event.Success}), []string{
			"popsicle/main/hold pending: waiting for approval", "popsicle/main/deploy pending: queued", "popsicle/main/hold success: passed",
		}},
		{"a tree that is not the commit's", false, story("worktree", []event.TreeRead{dirty}, event.Success, event.Success), nil},
		{"a tree that changed while it was read", false, story("worktree", []event.TreeRead{clean, unstable}, event.Success, event.Success), []string{
			"popsicle/main pending: 2 jobs to run",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			r := &Reporter{Target: Target{"github.com", "o/r", "abc"}, PerJob: tt.perJob, Put: func(s Status) error {
				got = append(got, fmt.Sprintf("%s %s: %s", s.Context, s.State, s.Description))
				return nil
			}}
			for _, e := range tt.events {
				if err := r.Handle(e); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// TestReporterOfARunThatIsHandedBack: what ends with the daemon has not ended.
func TestReporterOfARunThatIsHandedBack(t *testing.T) {
	for again, want := range map[bool]string{true: "popsicle/main pending: interrupted: it runs again", false: "popsicle/main error: canceled in 42s on arm64"} {
		last := ""
		r := &Reporter{Target: Target{"github.com", "o/r", "abc"}, Again: func() bool { return again }, Put: func(s Status) error {
			last = fmt.Sprintf("%s %s: %s", s.Context, s.State, s.Description)
			return nil
		}}
		for _, e := range story("commit", []event.TreeRead{{At: at(1, "", "", 0), Equal: true}}, event.Canceled, event.Canceled) {
			if err := r.Handle(e); err != nil {
				t.Fatal(err)
			}
		}
		if last != want {
			t.Errorf("%q, want %q", last, want)
		}
	}
}

func TestShorten(t *testing.T) {
	long := strings.Repeat("é", 200)
	if got := []rune(shorten(long)); len(got) != DescriptionLimit || got[139] != '…' {
		t.Errorf("%d characters that end in %q", len(got), got[len(got)-1])
	}
	if got := shorten("short"); got != "short" {
		t.Error(got)
	}
}

func TestParseRemote(t *testing.T) {
	tests := []struct{ remote, host, repo string }{
		{"https://github.com/o/r.git", "github.com", "o/r"},
		{"https://user:secret@GitHub.com/o/r", "github.com", "o/r"},
		{"git@github.com:o/r.git", "github.com", "o/r"},
		{"ssh://git@ssh.github.com:443/o/r.git", "github.com", "o/r"},
		{"git://github.com/o/r", "github.com", "o/r"},
		{"http://127.0.0.1:3000/o/r.git", "127.0.0.1:3000", "o/r"},
		{"github.example.com:o/r", "github.example.com", "o/r"},
		{"/srv/git/r.git", "", ""},
		{"file:///srv/git/o/r", "", ""},
		{"../r", "", ""},
		{"https://github.com/o", "", ""},
		{"https://github.com/a/b/c", "", ""},
		{"https://user:secret@github.com/o", "", ""},
		{"", "", ""},
	}
	for _, tt := range tests {
		host, repo, err := ParseRemote(tt.remote)
		if host != tt.host || repo != tt.repo || (err == nil) != (tt.host != "") {
			t.Errorf("%s: %q %q %v", tt.remote, host, repo, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells the password: %v", tt.remote, err)
		}
	}
}

func TestParseHost(t *testing.T) {
	for remote, want := range map[string]string{
		"https://Example.com/git/o/r.git": "example.com", "http://127.0.0.1:3000/o/r": "127.0.0.1:3000", "ssh://git@h:2222/o/r": "h", "git@h:o/r": "h", "/srv/git": "",
	} {
		if host, err := ParseHost(remote); host != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", remote, host, err)
		}
	}
}

func FuzzParseRemote(f *testing.F) {
	for _, seed := range []string{"https://github.com/o/r.git", "git@github.com:o/r", "ssh://[::1]:22/a/b", "a:b:c/d", "://"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, remote string) {
		host, repo, err := ParseRemote(remote)
		if err == nil && (host == "" || strings.Count(repo, "/") != 1) {
			t.Errorf("%q: host %q, repository %q", remote, host, repo)
		}
	})
}

func TestAPipelineThatCouldNotBegin(t *testing.T) {
	var got []string
	r := &Reporter{
		Target: Target{Commit: "c"}, URL: func(n int64) string { return fmt.Sprint("https://h/", n) },
		Put: func(s Status) error {
			got = append(got, fmt.Sprint(s.Context, " ", s.State, " ", s.TargetURL, " ", s.Pipeline, " ", s.Description))
			return nil
		},
	}
	if err := r.Refuse(7, ".popsicle/ci.yml:2:7: jobs is wrong\n.popsicle/ci.yml:3:1: so is this"); err != nil {
		t.Fatal(err)
	}
	if err := r.Refuse(8, strings.Repeat("é", 200)); err != nil {
		t.Fatal(err)
	}
	if err := r.Begin(9); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"popsicle error https://h/7 7 .popsicle/ci.yml:2:7: jobs is wrong",
		"popsicle error https://h/8 8 " + strings.Repeat("é", 139) + "…",
		"popsicle success https://h/9 9 a later pipeline could begin",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestAPipelineThatCouldNotGoOn ends a pipeline whose only workflow passed,
// because of what that workflow had made.
func TestAPipelineThatCouldNotGoOn(t *testing.T) {
	for _, tt := range []struct {
		tree event.TreeRead
		want []string
	}{
		{event.TreeRead{Equal: true}, []string{"popsicle/main success", "popsicle error"}},
		{event.TreeRead{Dirty: true}, nil},
	} {
		var got []string
		r := &Reporter{Ended: true, Put: func(s Status) error {
			got = append(got, fmt.Sprint(s.Context, " ", s.State))
			return nil
		}}
		for _, e := range []event.Event{
			event.PipelineStarted{At: at(0, "", "", 0), Source: "commit"}, event.JobQueued{At: at(0, "main", "setup", 1)}, tt.tree,
			event.JobFinished{At: at(1, "main", "setup", 1), Status: event.Success}, event.WorkflowFinished{At: at(1, "main", "", 0), Status: event.Success},
			event.PipelineFinished{At: at(2, "", "", 0), Status: event.Failed, Reason: "job setup continued it with a config that cannot run"},
		} {
			if err := r.Handle(e); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%+v: %q", tt.tree, got)
		}
	}
}
