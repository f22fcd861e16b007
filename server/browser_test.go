package server

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// shots is the variable that names a folder for screenshots; they are kept
// nowhere without it.
const shots = "POPSICLE_TEST_SHOTS"

// A tab is a page in a real browser. What its console says is a failure of
// the test: an exception, a file that is not there, a breach of the policy.
type tab struct {
	t   *testing.T
	ctx context.Context
	mu  sync.Mutex
	bad []string
}

// openTab begins a browser of its own.
func openTab(t *testing.T) *tab {
	t.Helper()
	var found string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, _ = exec.LookPath(name); found != "" {
			break
		}
	}
	if found == "" {
		t.Skip("no chromium on PATH: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(found), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(2*time.Minute))
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {})) // it does not know all events
	t.Cleanup(stop)
	b := &tab{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, b.heard)
	b.do(log.Enable(), runtime.Enable(), chromedp.EmulateViewport(1200, 900))
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, text := range b.bad {
			t.Errorf("the browser says: %s", text)
		}
	})
	return b
}

func (b *tab) heard(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch ev := ev.(type) {
	case *log.EventEntryAdded:
		b.bad = append(b.bad, fmt.Sprint(ev.Entry.Level, " ", ev.Entry.Text, " ", ev.Entry.URL))
	case *runtime.EventExceptionThrown:
		b.bad = append(b.bad, ev.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		b.bad = append(b.bad, fmt.Sprint(ev.Type, " ", ev.Args))
	}
}

func (b *tab) do(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) open(address string) { b.t.Helper(); b.do(chromedp.Navigate(address)) }

// evaluated evaluates an expression.
func evaluated[T any](b *tab, js string) (v T) {
	b.t.Helper()
	b.do(chromedp.Evaluate(js, &v))
	return v
}

// until waits for an expression to be true.
func (b *tab) until(js string) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, chromedp.Poll(js, nil, chromedp.WithPollingTimeout(20*time.Second), chromedp.WithPollingInterval(50*time.Millisecond))); err != nil {
		b.t.Fatalf("%s never came true: %s\n%.400s", js, err, evaluated[string](b, "document.querySelector('main').innerText"))
	}
}

func (b *tab) shot(name string) {
	b.t.Helper()
	dir := os.Getenv(shots)
	if dir == "" {
		return
	}
	var png []byte
	b.do(chromedp.CaptureScreenshot(&png))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) scheme(name string) {
	b.t.Helper()
	b.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}))
}

// looks is what every page must be, in words of the browser: it returns what
// is wrong.
const looks = `(() => {
	const wrong = [], all = (s) => [...document.querySelectorAll(s)];
	const named = (e) => e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.textContent.trim() || e.title;
	if (document.documentElement.scrollWidth > innerWidth) wrong.push("scrolls sideways: " + document.documentElement.scrollWidth + " in " + innerWidth + " " +
		all("main *").filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.parentElement.closest(".wide, .log, pre")).map((e) => e.tagName + "." + e.className).slice(0, 3));
	if (!document.documentElement.lang) wrong.push("no language");
	if (all("h1").length !== 1) wrong.push(all("h1").length + " h1");
	for (const mark of ["header", "main", "footer", "nav"]) if (!all(mark).length) wrong.push("no " + mark);
	let level = 0;
	for (const h of all("h1, h2, h3")) { const l = Number(h.tagName[1]); if (l > level + 1) wrong.push("heading skips to " + h.tagName + " " + h.textContent); level = l; }
	for (const e of all("a[href], button, summary")) if (!named(e)) wrong.push("no name: " + e.outerHTML.slice(0, 100));
	for (const e of all("input, select")) if (!e.labels.length || !e.labels[0].textContent.trim()) wrong.push("no label: " + e.outerHTML);
	for (const e of all("table")) if (!e.querySelector("thead th[scope=col]") || !e.querySelector("tbody th[scope=row]")) wrong.push("a table without headers");
	for (const e of all("img")) if (!e.hasAttribute("alt")) wrong.push("an image without alt");
	for (const e of all("[role=region], nav, section, form[role]")) if (!e.getAttribute("aria-label")) wrong.push("a part without a name: " + e.outerHTML.slice(0, 80));
	const ids = all("[id]").map((e) => e.id);
	for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push("two of #" + id);
	const rgb = (c) => (c.match(/[\d.]+/g) || []).map(Number);
	const light = (c) => { const [r, g, b] = rgb(c).slice(0, 3).map((v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
	const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (c !== "rgba(0, 0, 0, 0)") return c; } return "rgb(255, 255, 255)"; };
	const seen = new Set();
	for (const e of all("body *")) {
		if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !e.getClientRects().length || e.closest("svg")) continue;
		const pair = [getComputedStyle(e).color, ground(e)], key = pair.join();
		if (seen.has(key)) continue;
		seen.add(key);
		const [a, b] = pair.map(light).sort((x, y) => y - x), ratio = (a + .05) / (b + .05);
		if (ratio < 4.5) wrong.push("contrast " + ratio.toFixed(2) + " of " + key + " at " + e.outerHTML.slice(0, 80));
	}
	return wrong;
})()`

// inspect holds a page against what every page must be, in both themes, on a
// screen and on a phone.
func (b *tab) inspect(name string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for size, width := range map[string]int64{"": 1200, "-phone": 375} {
			b.scheme(scheme)
			b.do(chromedp.EmulateViewport(width, 900))
			for _, wrong := range evaluated[[]string](b, looks) {
				b.t.Errorf("%s, %s%s: %s", name, scheme, size, wrong)
			}
			b.shot(name + "-" + scheme + size)
		}
	}
	b.do(chromedp.EmulateViewport(1200, 900))
}

// show records a pipeline with all there is to see.
func (g *rig) show() *recording {
	g.t.Helper()
	r := g.begin()
	job := func(n int, name string, status event.Status, requires ...string) {
		here := event.At{Time: clock, Workflow: "main", Job: name, JobID: n}
		r.say(event.JobQueued{At: here, Kind: "docker", Image: "cimg/go:1.26", Requires: requires, Steps: 1})
		if status == event.Queued {
			return
		}
		r.say(event.JobStarted{At: here})
		if status != event.Running {
			r.say(event.JobFinished{At: here, Status: status})
		}
	}
	job(2, "lint", event.Success)
	job(3, "unit-tests-of-everything", event.Failed, "lint", "build")
	job(4, "deploy", event.Running, "lint")
	job(5, "announce", event.Queued, "deploy", "unit-tests-of-everything")
	return r
}

const colours = "\x1b[1mgo test ./...\x1b[0m\nok   one\n\x1b[32mPASS\x1b[0m \x1b[33mwarning\x1b[0m \x1b[34mblue\x1b[0m \x1b[35mmagenta\x1b[0m \x1b[36mcyan\x1b[0m \x1b[90mgrey\x1b[0m\n\x1b[31;1mFAIL two <b>\x1b[0m\n\x1b[41mred ground\x1b[0m \x1b[7mswapped\x1b[0m\n"

func TestPagesInABrowser(t *testing.T) {
	b := openTab(t)
	g := newRig(t, openRead)
	g.past("ok\n")
	_, job := g.past(colours)
	g.order("aaaaaaaa-0000-0000-0000-000000000001", nil)
	held := g.order("baaaaaaa-0000-0000-0000-00000000002", &db.Order{Repo: "owner/name", Trigger: "webhook", Event: "pull_request", Ref: "refs/pull/3/head", Commit: "abcdef0123",
		Branch: "pull/3", Subject: "a change of a stranger, with a title that takes more than one line of a phone", Hold: true, Pull: &db.Pull{Number: 3, Fork: true}})
	r := g.show()
	r.hasJobs(5)
	for name, path := range map[string]string{
		"list": "/", "pipeline": fmt.Sprint("/pipelines/", r.id), "job": fmt.Sprint("/jobs/", job), "search": fmt.Sprintf("/jobs/%d?q=fail", job),
		"queue": "/queue", "deliveries": "/deliveries", "tests": "/pipelines/1/tests", "artifacts": "/pipelines/1/artifacts",
		"held": fmt.Sprint("/pipelines/", held.Pipeline), "nothing": "/?branch=nowhere",
	} {
		b.open(g.url + path)
		b.inspect(name)
	}
	r.end()
}

func TestStatesChangeLive(t *testing.T) {
	b := openTab(t)
	g := newRig(t, openRead)
	r := g.show()
	r.hasJobs(5)
	b.open(g.url + "/")
	b.do(chromedp.Evaluate("window.mine = 1", nil))
	b.until(`document.querySelector("#pipelines .s-running")`)
	r.end()
	b.until(`document.querySelector("#pipelines td .status.s-failed")`)
	if evaluated[int](b, "window.mine") != 1 {
		t.Error("the page was loaded anew")
	}
	g2 := g.show()
	g2.hasJobs(5)
	b.open(fmt.Sprint(g.url, "/pipelines/", g2.id))
	b.do(chromedp.Evaluate("window.mine = 2", nil))
	b.until(`document.querySelector("svg a.s-running")`)
	b.do(chromedp.Focus(`svg a`, chromedp.ByQuery))
	g2.end()
	b.until(`document.querySelector("#status .s-failed") && document.querySelector("svg a").classList.contains("s-failed")`)
	b.until(`document.getElementById("said").textContent.includes("is failed")`)
	b.until(`document.activeElement.closest("svg a")`)
	if evaluated[int](b, "window.mine") != 2 {
		t.Error("the page was loaded anew")
	}
}

// mostNodes is how many elements a page may have, however long its log is.
const mostNodes = 4000

func TestAMillionLines(t *testing.T) {
	b := openTab(t)
	g := newRig(t, openRead)
	r := g.begin()
	var text bytes.Buffer
	for i := range 1_000_000 {
		fmt.Fprintf(&text, "line %d of a long log\n", i+1)
		if text.Len() > 200_000 || i == 999_999 {
			r.print(text.String())
			text.Reset()
		}
	}
	r.end()
	job := r.job()
	b.open(fmt.Sprint(g.url, "/jobs/", job))
	b.until(`document.querySelector("#s1-L1000000")`) // it failed: its end is shown
	nodes := func(where string) {
		if n := evaluated[int](b, "document.querySelectorAll('*').length"); n > mostNodes {
			t.Errorf("%s: %d elements", where, n)
		}
	}
	nodes("at the end")
	for _, part := range []float64{0, .25, .5, .9} {
		b.do(chromedp.Evaluate(fmt.Sprintf(`{ const l = document.querySelector(".log"); l.scrollTop = (l.scrollHeight - l.clientHeight) * %g; }`, part), nil))
		line := int(part*1e6) + 1
		b.until(fmt.Sprintf(`[...document.querySelectorAll(".l code")].some((c) => { const n = Number((c.textContent.match(/line (\d+) of/) || [])[1]); return Math.abs(n - %d) < 400; })`, line))
		nodes(fmt.Sprint("at line ", line))
	}
	b.open(fmt.Sprint(g.url, "/jobs/", job, "#s1-L654321"))
	b.until(`document.querySelector("#s1-L654321.here") && document.querySelector("#s1-L654321").textContent.includes("line 654321 of")`)
	if !evaluated[bool](b, `(() => { const l = document.querySelector(".log").getBoundingClientRect(), r = document.querySelector("#s1-L654321").getBoundingClientRect(); return r.top >= l.top && r.bottom <= l.bottom; })()`) {
		t.Error("the line that the address names is not in sight")
	}
	nodes("at a link")
	b.shot("million")
}

func TestFollow(t *testing.T) {
	b := openTab(t)
	g := newRig(t, openRead)
	r := g.begin()
	r.print(strings.Repeat("before\n", 500))
	job := r.job()
	b.open(fmt.Sprint(g.url, "/jobs/", job))
	b.until(`document.querySelector("#s1-L500")`)
	r.print("news one\nnews two\n")
	b.until(`document.querySelector(".log")?.textContent.includes("news two")`)
	b.do(chromedp.Evaluate(`document.querySelector(".log").scrollTop = 0`, nil))
	b.until(`document.querySelector("#s1-L1")`)
	r.print("news three\n")
	b.until(`document.querySelector("[data-total]").dataset.total === "503"`)
	if evaluated[int](b, `document.querySelector(".log").scrollTop`) != 0 {
		t.Error("who has scrolled up was taken away")
	}
	two := at(1, 2)
	r.say(event.StepFinished{At: at(1, 1), Status: event.Success, HasExit: true}, event.StepStarted{At: two, Name: "second", Kind: "run"}, event.Output{At: two, Text: "of the second\n"})
	b.until(`document.querySelector("#s2 .log")?.textContent.includes("of the second")`)
	r.end()
	b.until(`document.querySelector("#status .s-failed")`)
	b.shot("followed")
}

func TestKeyboardAndTokens(t *testing.T) {
	b := openTab(t)
	asked := make(chan int64, 1)
	g := newRig(t, openRead, func(s *Server) {
		s.Cancel = func(_ context.Context, pipeline int64, _ string) error { asked <- pipeline; return nil }
	})
	r := g.show()
	r.hasJobs(5)
	b.open(fmt.Sprint(g.url, "/pipelines/", r.id))
	links := evaluated[int](b, `[...document.querySelectorAll("a[href], button")].filter((e) => e.getClientRects().length).length`)
	reached := map[string]bool{}
	for range links + 20 {
		b.do(chromedp.KeyEvent("\t"))
		reached[evaluated[string](b, `(() => { const e = document.activeElement; return e.matches("a, button") ? [...document.querySelectorAll("a[href], button")].indexOf(e) + "" : "other"; })()`)] = true
	}
	delete(reached, "other")
	if len(reached) != links {
		t.Errorf("Tab reaches %d of %d links and buttons", len(reached), links)
	}
	b.do(chromedp.Click(`#actions button[formaction$=cancel]`), chromedp.WaitVisible(`#token input`), chromedp.SendKeys(`#token input`, g.write+"\r"))
	select {
	case id := <-asked:
		if id != r.id {
			t.Errorf("pipeline %d was cancelled", id)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was cancelled")
	}
	b.until(`sessionStorage.getItem("token")`)
	r.end()
}
