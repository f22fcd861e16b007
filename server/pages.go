package server

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/julienschmidt/httprouter"
)

// Pages for people: made on the server from the same data as the API's
// answers, whole without JavaScript. What a script adds is in static/app.js.

// A page is one HTML page. The functions that make pages leave name to the
// route.
type page struct {
	name    string // of its template
	status  int
	Version string // of popsicle

	Title   string
	Here    string // which entry of the navigation it belongs to
	Refresh int    // milliseconds after which it may have changed; 0: it will not
	Events  string // a stream that tells of changes, in place of Refresh
	Body    any
}

// pages are the routes of the pages.
func (s *Server) pages() []route {
	view := func(path, name string, query []string, make func(*http.Request, httprouter.Params) (*page, error)) route {
		return route{method: "GET", path: path, handle: s.paged(name, make), need: scopeRead, query: append([]string{}, query...)}
	}
	return []route{
		view("/", "pipelines", listQuery, s.listPage),
		view("/pipelines/:pipeline", "pipeline", nil, s.pipelinePage),
		view("/pipelines/:pipeline/tests", "tests", []string{"all"}, s.testsPage),
		view("/pipelines/:pipeline/artifacts", "artifacts", nil, s.artifactsPage),
		view("/jobs/:job", "job", jobQuery, s.jobPage),
		view("/queue", "queue", nil, s.queuePage),
		view("/deliveries", "deliveries", []string{"cursor"}, s.deliveriesPage),
		{method: "GET", path: "/jobs/:job/lines", handle: s.rows, need: scopeRead, query: []string{"step", "line"}},
		{method: "GET", path: "/static/:file", handle: s.static, need: scopeNone},
	}
}

// paged makes a handler out of a function that makes a page.
func (s *Server) paged(name string, make func(*http.Request, httprouter.Params) (*page, error)) handler {
	return func(r *http.Request, p httprouter.Params) (any, error) {
		made, err := make(r, p)
		if err != nil {
			return nil, err
		}
		made.name, made.Version = name, s.Version
		return made.written()
	}
}

// pagePolicy lets a page have what comes from this server, and nothing that
// stands in its own text: a log that got out of its place could do nothing.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// hypertext is a page on its way out.
type hypertext struct {
	status int
	text   []byte
}

func (h hypertext) respond(w http.ResponseWriter, r *http.Request) error { //nolint:unparam // the interface has an error
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.Header().Set("Referrer-Policy", "same-origin") // else forms would not say whose they are: their Origin would be null
	write(w, r, h.status, "text/html; charset=utf-8", h.text)
	return nil
}

// written fills the template of a page.
func (p *page) written() (hypertext, error) {
	var b bytes.Buffer
	err := templates()[p.name].ExecuteTemplate(&b, "layout", p)
	return hypertext{cmp.Or(p.status, http.StatusOK), b.Bytes()}, err
}

// browses says whether a request comes from somebody who reads pages.
func browses(r *http.Request) bool {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodPost && isForm(r)
	return reads && !strings.HasPrefix(r.URL.Path, "/api/") && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// problemPage is a problem for people.
func (s *Server) problemPage(p *Problem) (hypertext, error) {
	return (&page{name: "problem", status: p.Status, Version: s.Version, Title: p.Title, Body: p}).written()
}

//go:embed templates/*.html
var templateFiles embed.FS

// templates are the pages by name, each with the layout around it. They are
// read when the first is asked for: most commands of this program show none.
var templates = sync.OnceValue(func() map[string]*template.Template {
	return parsePages("pipelines", "pipeline", "tests", "artifacts", "job", "queue", "deliveries", "problem")
})

func parsePages(names ...string) map[string]*template.Template {
	base := template.Must(template.New("").Funcs(words).ParseFS(templateFiles, "templates/layout.html", "templates/rows.html", "templates/actions.html"))
	all := map[string]*template.Template{}
	for _, name := range names {
		all[name] = template.Must(template.Must(base.Clone()).ParseFS(templateFiles, "templates/"+name+".html"))
	}
	return all
}

// words are what templates can say.
var words = template.FuncMap{
	"asset": asset, "symbol": symbol, "word": word, "when": when, "took": took, "ended": statusEnded,
	"bytes": func(n int64) string { return humanize.IBytes(uint64(max(n, 0))) },
	"count": humanize.Comma,
	"short": func(hash string) string { return hash[:min(len(hash), 10)] },
	"statuses": func() []string {
		return statuses
	},
}

// symbol is the mark of a status, as on the terminal: no two that mean
// different things look alike without colour.
func symbol(status string) string {
	switch status {
	case "success":
		return "✓"
	case "failed", "timedout", "failure", "error":
		return "✗"
	case "running":
		return "●"
	case "on_hold":
		return "?"
	case "canceled", "interrupted", "refused":
		return "⊘"
	case "infrastructure_fail":
		return "!"
	case "not_run", "skipped", "ignored":
		return "–"
	}
	return "○"
}

// word is a status as people say it.
func word(status string) string {
	switch status {
	case "timedout":
		return "timed out"
	case "infrastructure_fail":
		return "infrastructure failed"
	}
	return strings.ReplaceAll(status, "_", " ")
}

// statusEnded says whether nothing follows a status.
func statusEnded(status string) bool {
	return status != "queued" && status != "running" && status != "on_hold"
}

// when writes a time; the script makes it one of the reader's place.
func when(i Instant) template.HTML {
	if i.IsZero() {
		return "–"
	}
	t := time.Time(i).UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, t.Format(instantLayout), t.Format("2006-01-02 15:04:05 UTC"))) //nolint:gosec // digits alone
}

// took writes how long something took, or takes so far.
func took(from, to Instant) template.HTML {
	switch {
	case from.IsZero():
		return "–"
	case to.IsZero():
		began := time.Time(from).UTC()
		return template.HTML(fmt.Sprintf(`<span data-since="%s">%s</span>`, began.Format(instantLayout), span(time.Since(began)))) //nolint:gosec // digits alone
	}
	return template.HTML(span(time.Time(to).Sub(time.Time(from)))) //nolint:gosec // digits alone
}

// span is a length of time in as few characters as tell it.
func span(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}
