package term

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/popsicle-ci/popsicle/runner/event"
)

const jsonDoc = "../../docs/json.md"

// samples has one event of every type, with every field filled.
func samples() []event.Event {
	run := event.At{Time: start.Add(123456 * time.Microsecond), Pipeline: 12}
	flow := run
	flow.Workflow = "build_and_test"
	job := flow
	job.Job, job.JobID = "build", 2
	step := job
	step.Step = 3
	hold := flow
	hold.Job, hold.JobID = "hold", 3
	return []event.Event{
		event.PipelineStarted{At: run, Repo: "popsicle-ci/popsicle", Root: "/home/me/popsicle", Commit: "5f1d0a2b3c4d5e6f708192a3b4c5d6e7f8091a2b",
			Branch: "main", Tag: "v1.2.0", Subject: "runner: start jobs by edge", Author: "Ada <ada@example.com>", Trigger: "cli", Source: "worktree",
			Files: []event.ConfigFile{{Path: ".popsicle/ci.yml", SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}},
			Jobs:  2, Workflows: []string{"build_and_test"}, Asked: event.Request{Rerun: 11}, Partial: true},
		event.TreeRead{At: run, Tree: "4b825dc642cb6eb9a060e54bf8d69288fbee4904", Dirty: true, Files: 321, Bytes: 1048576, Changed: []string{"main.go"}},
		event.JobQueued{At: job, Kind: "docker", Image: "golang:1.26", Requires: []string{"setup"}, Steps: 4, Nodes: 1, PlanHash: "c0ffee", EnvNames: []string{"CI", "GOFLAGS"}, RerunOf: 1},
		event.JobStarted{At: job, Engine: "unix:///var/run/docker.sock", Container: "popsicle-12-2"},
		event.JobHeld{At: hold},
		event.JobReady{At: job, ImageDigest: "sha256:0123abcd", Arch: "arm64", User: "root", WorkDir: "/root/project"},
		event.StepStarted{At: step, Name: "go test", Kind: "run", Command: "go test ./...", Shell: "/bin/bash -eo pipefail", File: ".popsicle/ci.yml", Line: 14},
		event.Output{At: step, Text: "--- FAIL: TestGraph\n"},
		event.ArtifactsStored{At: step, Blob: "m0", Bytes: 2077, Files: []event.Artifact{{Path: "coverage/index.html", Size: 2048}, {Path: "junit.xml", Size: 29, Offset: 2048}}},
		event.TestsStored{At: step, Tests: []event.Test{{Suite: "graph", Class: "TestGraph", Name: "starts", File: "graph_test.go",
			Result: event.TestFailure, Seconds: 0.25, Message: "got 1, want 2"}}},
		event.StepFinished{At: step, Status: event.Failed, ExitCode: 1, HasExit: true, Reason: "Too long with no output (exceeded 10m0s)"},
		event.JobFinished{At: job, Status: event.Failed, Reason: "requires setup, which failed", Repro: "docker run --rm golang:1.26 sh -c 'go test ./...'"},
		event.WorkflowFinished{At: flow, Status: event.Failed},
		event.PipelineFinished{At: run, Status: event.Failed, Reason: "interrupted by SIGINT"},
		event.Message{At: job, Level: event.Warning, Text: "golang:1.26 runs emulated"},
	}
}

// TestJSONDoc holds docs/json.md to what is printed: the example of every
// type, and its table of fields.
func TestJSONDoc(t *testing.T) {
	var b bytes.Buffer
	j := NewJSON(&b)
	for _, e := range samples() {
		if err := j.Handle(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(jsonDoc)
	if err != nil {
		t.Fatal(err)
	}
	printed := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(printed) != len(samples()) {
		t.Fatalf("%d lines for %d events", len(printed), len(samples()))
	}
	for i, e := range samples() {
		section := sectionOf(t, string(doc), e.Type())
		if !strings.Contains(section, "```json\n"+printed[i]+"\n```") {
			t.Errorf("the example of %s in %s should be\n%s", e.Type(), jsonDoc, printed[i])
		}
		var fields map[string]any
		if err := json.Unmarshal([]byte(printed[i]), &fields); err != nil {
			t.Fatal(err)
		}
		for name := range fields {
			if !strings.Contains(section, "| `"+name+"` |") && !strings.Contains(sectionOf(t, string(doc), "Every event"), "| `"+name+"` |") {
				t.Errorf("%s: %s does not describe the field %s", jsonDoc, e.Type(), name)
			}
		}
		for _, named := range regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\|").FindAllStringSubmatch(section, -1) {
			if !hasField(reflect.TypeOf(record(head{}, e)), named[1]) {
				t.Errorf("%s: %s has no field %s", jsonDoc, e.Type(), named[1])
			}
		}
	}
}

// sectionOf is the text below a heading of the document.
func sectionOf(t *testing.T, doc, heading string) string {
	t.Helper()
	_, after, found := strings.Cut(doc, "\n## "+heading+"\n")
	if !found {
		t.Fatalf("%s has no section %q", jsonDoc, heading)
	}
	section, _, _ := strings.Cut(after, "\n## ")
	return section
}

func hasField(record reflect.Type, name string) bool {
	for _, f := range reflect.VisibleFields(record) {
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == name {
			return true
		}
	}
	return false
}

func TestJSONOutputInPieces(t *testing.T) {
	tests := []struct {
		name   string
		pieces []string
		want   []string
	}{
		{"whole", []string{"日本\n"}, []string{"日本\n"}},
		{"a character in two", []string{"a\xe2\x82", "\xac\n"}, []string{"a", "€\n"}},
		{"only a beginning", []string{"\xe2", "\x82", "\xac"}, []string{"€"}},
		{"no UTF-8", []string{"a\xffb"}, []string{"a\ufffdb"}},
		{"cut off for good", []string{"a\xe2\x82"}, []string{"a", "\ufffd\ufffd"}},
		{"html and line separators", []string{"<a>&\u2028"}, []string{"<a>&\u2028"}},
	}
	for _, test := range tests {
		var b bytes.Buffer
		j := NewJSON(&b)
		s := newScript(j)
		s.step(1, 1, "a", "one", "run")
		for _, p := range test.pieces {
			s.output(1, 1, "a", p)
		}
		s.emit(event.StepFinished{At: s.at(1, 1, "a"), Status: event.Success})
		if got := texts(t, b.String()); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// texts are those of the output events of a stream, all of one named step.
func texts(t *testing.T, stream string) []string {
	t.Helper()
	var got []string
	for line := range strings.Lines(stream) {
		var e struct {
			Type, Text string
			Name       string `json:"step_name"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || !utf8.ValidString(line) {
			t.Fatalf("%q: %v", line, err)
		}
		if e.Type == "output" {
			got = append(got, e.Text)
		}
		if e.Name != "one" {
			t.Errorf("%q does not name its step", line)
		}
	}
	return got
}

func TestJSONIsWrittenAtOnce(t *testing.T) {
	r, w := io.Pipe()
	j := NewJSON(w)
	s := newScript(nil)
	go func() { _ = j.Handle(event.Output{At: s.at(1, 1, "a"), Text: "password: "}) }()
	got := make([]byte, len(`{"schema":1,`))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != `{"schema":1,` {
		t.Errorf("got %q, %v", got, err)
	}
	r.Close()
}
