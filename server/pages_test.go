package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// browser is the header of somebody who reads pages.
const browser = "Accept: text/html,application/xhtml+xml"

func (g *rig) page(path string, status int, want ...string) string {
	g.t.Helper()
	got := g.get(path, browser)
	if got.StatusCode != status {
		g.t.Fatalf("%s: %s", path, got)
	}
	if policy := got.Header.Get("Content-Security-Policy"); policy != pagePolicy {
		g.t.Errorf("%s: the policy is %q", path, policy)
	}
	for _, text := range want {
		if !strings.Contains(got.text, text) {
			g.t.Errorf("%s has no %q:\n%s", path, text, got.text)
		}
	}
	for _, never := range []string{" style=", " onclick", "<style", "<script>", "ZgotmplZ", "<no value>"} {
		if strings.Contains(got.text, never) {
			g.t.Errorf("%s has %q, which the policy forbids or a template got wrong", path, never)
		}
	}
	return got.text
}

func TestPagesTellWithoutAScript(t *testing.T) {
	g := newRig(t, openRead)
	pipeline, job := g.past("one\n\x1b[31mred <b>\x1b[0m & more\nlast")
	g.page("/", 200, "#1", "owner/repo", "a commit", "failed", `href="/pipelines/1"`)
	g.page("/?branch=main&status=failed&repo=owner/repo", 200, `href="/pipelines/1"`, `value="failed" selected`)
	g.page("/?branch=other", 200, "No pipeline is here that fits")
	g.page(fmt.Sprint("/pipelines/", pipeline), 200, "abcdef0123", "123456", "webhook", "take care", "<svg", fmt.Sprintf(`href="/jobs/%d"`, job))
	g.page(fmt.Sprint("/jobs/", job), 200, "make test", "exit code 2", `<details class="step" id="s1" data-step="1" open>`,
		`<span class="f2">red &lt;b&gt;</span> &amp; more`, `id="s1-L3"`, `href="?step=1&amp;line=3#s1-L3"`, fmt.Sprintf("/api/v1/jobs/%d/log", job))
	g.page(fmt.Sprintf("/jobs/%d?q=RED", job), 200, "1 lines with “RED”", "line=2#s1-L2")
	g.page("/queue", 200, "Nothing runs")
	g.page("/deliveries", 200, "No webhook has come")
	g.page("/pipelines/1/tests", 200, "tests:")
	g.page("/pipelines/1/artifacts", 200, "Artifacts of pipeline #1")
	g.page("/nowhere", 404, "Not Found", "there is nothing at /nowhere")
	g.page("/pipelines/99", 404, "Not Found")
	g.page("/?colour=red", 400, "no query parameter is named")
}

func TestPagesAreReadWithATokenAsPassword(t *testing.T) {
	g := newRig(t)
	got := g.get("/", browser)
	if got.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("without a token: %s", got)
	}
	if got := g.get("/", browser, basic(g.read)); got.StatusCode != http.StatusOK {
		t.Errorf("with a token: %s", got)
	}
	if got := g.get("/", browser, basic("wrong")); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("with a wrong one: %s", got)
	}
	// What a browser sends by itself must not be enough to change anything.
	id, _ := g.past("")
	got = g.ask("POST", fmt.Sprintf("/api/v1/pipelines/%d/cancel", id), "{}", "Content-Type: application/json", basic(g.write))
	if got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a password cancelled a pipeline: %s", got)
	}
}

func TestFilesOfPagesAreKept(t *testing.T) {
	g := newRig(t)
	_, hashed := assets()
	for name := range hashed {
		got := g.get(asset(name), "Accept-Encoding: gzip")
		if got.StatusCode != http.StatusOK || !strings.Contains(got.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %s", name, got)
		}
		if name != "icon.svg" && got.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s is not compressed: %v", name, got.Header)
		}
		if again := g.get(asset(name), "If-None-Match: "+got.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %s", name, again)
		}
	}
	if got := g.get("/static/app.js"); got.StatusCode != http.StatusNotFound {
		t.Errorf("a name without a hash: %s", got)
	}
}

func TestALogIsShownInParts(t *testing.T) {
	g := newRig(t, openRead)
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "line %d of the log\n", i+1)
	}
	_, job := g.past(b.String())
	tail := g.page(fmt.Sprint("/jobs/", job), 200, "Lines 4,601 to 5,000 of 5,000", "Earlier", "line 5000 of the log")
	if n := strings.Count(tail, `class="l"`); n != pageRows {
		t.Errorf("%d lines on a page, want %d", n, pageRows)
	}
	g.page(fmt.Sprintf("/jobs/%d?step=1&line=1234", job), 200, `id="s1-L1234"`, "Lines 1,201 to 1,600 of 5,000", "line=801#s1", "line=1601#s1")
	g.page(fmt.Sprintf("/jobs/%d?step=1", job), 200, "Lines 1 to 400 of 5,000")
	part := g.page(fmt.Sprintf("/jobs/%d/lines?step=1&line=4999", job), 200, "line 4801 of the log", "line 5000 of the log")
	if n := strings.Count(part, `class="l"`); n != blockRows {
		t.Errorf("%d lines in a block, want %d", n, blockRows)
	}
	bare := g.page(fmt.Sprintf("/jobs/%d?bare=true", job), 200, `data-total="5000"`)
	if strings.Contains(bare, `class="l"`) {
		t.Error("a bare page has lines")
	}
}

func TestHomeOfARepository(t *testing.T) {
	for from, want := range map[string]string{
		"https://github.com/owner/name.git":       "https://github.com/owner/name",
		"git@github.com:owner/name.git":           "https://github.com/owner/name",
		"ssh://git@host.example:2222/owner/name":  "https://host.example/owner/name",
		"http://gitea.example:3000/o/n.git":       "http://gitea.example:3000/o/n",
		"https://user:secret@github.com/o/n.git/": "https://github.com/o/n",
		"/srv/git/name.git":                       "",
		"file:///srv/git/name.git":                "",
		"javascript:alert(1)":                     "",
		"git://host/name":                         "",
	} {
		if got := homeOf(from); got != want {
			t.Errorf("%s: %q, want %q", from, got, want)
		}
	}
}

func TestDrawing(t *testing.T) {
	job := func(id int64, place int, status string, requires ...string) Job {
		return Job{ID: id, Workflow: "main", Name: fmt.Sprint("j", place), Position: place, Status: status, Requires: requires}
	}
	jobs := []Job{
		job(1, 1, "success"), job(2, 2, "success", "j1"), job(3, 2, "failed", "j1"), job(4, 3, "not_run", "j1", "j2"), job(5, 4, "success"),
	}
	all := drawAll([]Workflow{{Name: "main"}, {Name: "empty"}}, jobs)
	if len(all) != 1 || len(all[0].Boxes) != 4 {
		t.Fatalf("%+v", all)
	}
	if b := all[0].Boxes[1]; b.ID != 3 || b.Nodes != 2 || b.Label() != "j2 ×2" {
		t.Errorf("the worst of two nodes stands for both: %+v", b)
	}
	if n := len(all[0].Lines); n != 2 { // j3 waits for j1 through j2
		t.Errorf("%d lines, want 2: %v", n, all[0].Lines)
	}
	taken := map[[2]int]bool{}
	for _, b := range all[0].Boxes {
		if taken[[2]int{b.X, b.Y}] {
			t.Errorf("%s stands on another", b.Name)
		}
		taken[[2]int{b.X, b.Y}] = true
	}
}

func BenchmarkListPage(b *testing.B) {
	g := newRig(b, openRead)
	for range 10_000 {
		id, err := g.History.NewPipeline(b.Context(), "lease")
		if err != nil {
			b.Fatal(err)
		}
		r := g.History.Recorder(id)
		for _, e := range []event.Event{
			event.PipelineStarted{At: event.At{Time: clock}, Repo: "owner/repo", Branch: "main", Commit: "abcdef0123", Subject: "a commit", Trigger: "webhook", Source: "commit", Jobs: 1, Workflows: []string{"main"}},
			event.JobQueued{At: at(1, 0), Kind: "docker", Image: "busybox"},
			event.JobStarted{At: at(1, 0)}, event.JobFinished{At: at(1, 0), Status: event.Success},
			event.PipelineFinished{At: event.At{Time: clock}, Status: event.Success},
		} {
			if err := r.Handle(e); err != nil {
				b.Fatal(err)
			}
		}
		if err := r.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if got := g.get("/", browser); got.StatusCode != http.StatusOK {
			b.Fatal(got)
		}
	}
}
