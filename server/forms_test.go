package server

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
)

const formHeader = "Content-Type: application/x-www-form-urlencoded"

// holding records a pipeline that waits for somebody to approve its job hold.
func (g *rig) holding() *recording {
	g.t.Helper()
	r := g.begin()
	here := event.At{Time: clock, Workflow: "main", Job: "hold", JobID: 2}
	r.say(event.JobQueued{At: here, Kind: "approval"}, event.JobHeld{At: here})
	r.hasJobs(2)
	return r
}

// approvalJob is the id of the job hold.
func (r *recording) approvalJob() int64 {
	r.t.Helper()
	jobs, err := r.d.Jobs(context.Background(), r.id)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, j := range jobs {
		if j.Name == "hold" {
			return j.ID
		}
	}
	r.t.Fatal("there is no job hold")
	return 0
}

func TestButtons(t *testing.T) {
	var done []string
	note := func(what string) func(context.Context, int64, string) error {
		return func(_ context.Context, n int64, by string) error {
			done = append(done, fmt.Sprint(what, " ", n, " ", by))
			return nil
		}
	}
	g := newRig(t, openRead, func(s *Server) {
		s.Cancel, s.Approve = note("cancel"), note("approve")
		s.Rerun = func(_ context.Context, a Rerun) (int64, error) {
			done = append(done, fmt.Sprint("rerun ", a.Pipeline, " ", a.FailedOnly, " ", a.By))
			return 1, nil
		}
	})
	r := g.holding()
	defer r.end()
	own := "Origin: " + g.url
	job := fmt.Sprintf("/jobs/%d/approve", r.approvalJob())
	token := "token=" + url.QueryEscape(g.write)
	for _, c := range []struct {
		path, body string
		header     []string
		want       int
		did        string
	}{
		{"/pipelines/1/cancel", token, []string{formHeader, own}, 303, "cancel 1 token write"},
		{"/pipelines/1/approve", token, []string{formHeader, own}, 303, "approve 1 token write"},
		{"/pipelines/1/rerun", token, []string{formHeader, own}, 303, "rerun 1 false token write"},
		{"/pipelines/1/rerun", token + "&failed_only=true", []string{formHeader, own}, 303, "rerun 1 true token write"},
		{"/pipelines/1/cancel", "", []string{formHeader, own}, 401, ""},
		{"/pipelines/1/cancel", "token=guess", []string{formHeader, own}, 401, ""},
		{"/pipelines/1/cancel", "token=" + url.QueryEscape(g.read), []string{formHeader, own}, 403, ""},
		// What a browser sends by itself is no token, and neither is a query.
		{"/pipelines/1/cancel", "", []string{formHeader, own, basic(g.write)}, 401, ""},
		{"/pipelines/1/cancel", "", []string{formHeader, own, "Authorization: Bearer " + g.write}, 401, ""},
		{"/pipelines/1/cancel?" + token, "", []string{formHeader, own}, 401, ""},
		{"/pipelines/1/cancel", token, []string{formHeader, "Origin: https://evil.example"}, 403, ""},
		{"/pipelines/1/cancel", token, []string{formHeader, "Origin: null"}, 403, ""},
		{"/pipelines/1/cancel", token, []string{formHeader, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, 403, ""},
		{"/pipelines/1/cancel", token, []string{formHeader, "Host: evil.example"}, 404, ""},
		{"/pipelines/1/cancel", token, []string{"Content-Type: text/plain", own}, 415, ""},
		{"/pipelines/1/cancel", "{}", []string{"Content-Type: application/json", own, "Authorization: Bearer " + g.write}, 415, ""},
		{"/pipelines/1/cancel", token + "&x=" + strings.Repeat("x", bodySize), []string{formHeader, own}, 413, ""},
		{"/pipelines/99/cancel", token, []string{formHeader, own}, 404, ""},
		{"/pipelines/x/cancel", token, []string{formHeader, own}, 404, ""},
		{job, token, []string{formHeader, own}, 400, ""},
		{job, token + "&approve=yes", []string{formHeader, own}, 400, ""},
		{"/jobs/1/approve", token + "&approve=true", []string{formHeader, own}, 409, ""},
	} {
		done = nil
		a := g.ask("POST", c.path, c.body, append(c.header, "Accept: text/html")...)
		if did := strings.Join(done, ","); a.StatusCode != c.want || did != c.did {
			t.Errorf("%s %.60q %v: %s, done: %q; want %d, %q", c.path, c.body, c.header, a.Status, did, c.want, c.did)
		}
		if c.want == http.StatusSeeOther && a.Header.Get("Location") != "/pipelines/1" {
			t.Errorf("%s leads to %q", c.path, a.Header.Get("Location"))
		}
		if c.want == http.StatusUnauthorized && strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Basic") {
			t.Errorf("%s asks the browser for a password, which would not help", c.path)
		}
		if c.want >= 400 && c.want != 413 && !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") && !strings.Contains(fmt.Sprint(c.header), "text/plain") && !strings.Contains(fmt.Sprint(c.header), "json") {
			t.Errorf("%s: no page for a person: %v", c.path, a)
		}
	}
}

// TestActions holds which buttons a page has.
func TestActions(t *testing.T) {
	failed := []Job{{ID: 1, Kind: "docker", Status: "failed"}}
	held := []Job{{ID: 5, Name: "hold", Kind: "approval", Status: "on_hold"}}
	for _, c := range []struct {
		p    Pipeline
		want string
	}{
		{Pipeline{Number: 3, Status: "running"}, "Cancel"},
		{Pipeline{Number: 3, Status: "on_hold"}, "Approve, Cancel"},
		{Pipeline{Number: 3, Status: "on_hold", Jobs: held}, "Approve hold, Reject hold, Cancel"},
		{Pipeline{Number: 3, Status: "success", Trigger: "webhook", Jobs: failed}, "Run again"},
		{Pipeline{Number: 3, Status: "failed", Trigger: "webhook", Jobs: failed}, "Run again, Run again what failed"},
		{Pipeline{Number: 3, Status: "failed", Trigger: "webhook"}, "Run again"},
		{Pipeline{Number: 3, Status: "failed", Trigger: "cli", Jobs: failed}, ""},
	} {
		var labels []string
		for _, a := range actionsOf(c.p) {
			labels = append(labels, a.Label)
		}
		if got := strings.Join(labels, ", "); got != c.want {
			t.Errorf("%+v: %s; want %s", c.p, got, c.want)
		}
	}
}

// TestApproveWithoutJavaScript approves a job in a browser that runs no
// scripts, once with a wrong token; and once with scripts.
func TestApproveWithoutJavaScript(t *testing.T) {
	b := openTab(t)
	g := newRig(t, openRead)
	approved := func(r *recording) {
		t.Helper()
		eventually(t, func() bool {
			a, said, err := g.History.Approval(context.Background(), r.id, 2)
			return err == nil && said && a.Approved && a.By == "token write"
		})
	}
	field, button := `#actions input[name=token]`, `#actions button[value=true]`
	with := g.holding()
	b.open(fmt.Sprint(g.url, "/pipelines/", with.id))
	b.inspect("held")
	b.do(chromedp.Click(button), chromedp.WaitVisible(`#token input`), chromedp.SendKeys(`#token input`, g.write+"\r"))
	approved(with)
	with.end()

	r := g.holding()
	b.do(emulation.SetScriptExecutionDisabled(true))
	b.open(fmt.Sprint(g.url, "/pipelines/", r.id))
	b.do(chromedp.SendKeys(field, g.read), chromedp.Click(button), chromedp.WaitVisible(`//main[contains(., "may only read")]`, chromedp.BySearch))
	b.mu.Lock()
	b.bad = nil // it tells of the 403
	b.mu.Unlock()
	b.open(fmt.Sprint(g.url, "/jobs/", r.approvalJob()))
	b.shot("approve-without-javascript")
	b.do(chromedp.SendKeys(field, g.write+"\r")) // Return alone does nothing
	b.do(chromedp.Click(button), chromedp.WaitVisible(`#graphs`))
	approved(r)
	var at string
	b.do(chromedp.Location(&at))
	if want := fmt.Sprint(g.url, "/pipelines/", r.id); at != want {
		t.Errorf("the browser is at %s, want %s", at, want)
	}
	r.end()
}

// TestAReasonChangesLive: what a pipeline waits for is not said any more when
// it does not wait, and is no failure.
func TestAReasonChangesLive(t *testing.T) {
	b := openTab(t)
	g := newRig(t, openRead)
	held := g.order("aaaaaaaa-0000-0000-0000-000000000001", &db.Order{Repo: "owner/name", Trigger: "webhook", Event: "pull_request", Ref: "refs/pull/3/head",
		Commit: "abcdef0123", Branch: "pull/3", Hold: true, Pull: &db.Pull{Number: 3, Fork: true}})
	b.open(fmt.Sprint(g.url, "/pipelines/", held.Pipeline))
	b.until(`document.querySelector(".reason.s-on_hold").textContent.includes("popsicle approve")`)
	if err := g.History.Approve(t.Context(), held.Pipeline, "me"); err != nil {
		t.Fatal(err)
	}
	b.until(`document.querySelector("#status .s-queued") && !document.querySelector(".reason:not(#answer)")`)
}
