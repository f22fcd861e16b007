package server

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/julienschmidt/httprouter"

	"github.com/popsicle-ci/popsicle/db"
)

// How often a page that nothing is streamed to asks for changes, in
// milliseconds. What has not changed costs an answer without a body.
const (
	listRefresh = 2000
	jobRefresh  = 1000
)

var listQuery = []string{"branch", "status", "repo", "cursor", "limit"}

// A listView is what the list of pipelines shows.
type listView struct {
	Pipelines            List[Pipeline]
	Branch, Status, Repo string
	Paged                bool   // it is not the first page
	Newest, Older        string // links
}

func (s *Server) listPage(r *http.Request, p httprouter.Params) (*page, error) {
	found, err := s.listPipelines(r, p)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	v := listView{Pipelines: found.(List[Pipeline]), Branch: q.Get("branch"), Status: q.Get("status"), Repo: q.Get("repo"), Paged: q.Has("cursor")}
	v.Newest = withQuery("/", q, "cursor", "")
	if next := v.Pipelines.Next; next != "" {
		v.Older = withQuery("/", q, "cursor", next)
	}
	return &page{Title: "Pipelines", Here: "pipelines", Refresh: listRefresh, Body: v}, nil
}

// withQuery is a link with one parameter changed, or left out where value is
// empty.
func withQuery(path string, q url.Values, name, value string) string {
	changed := url.Values{}
	for key, all := range q {
		if key != name && all[0] != "" {
			changed[key] = all
		}
	}
	if value != "" {
		changed.Set(name, value)
	}
	if len(changed) == 0 {
		return path
	}
	return path + "?" + changed.Encode()
}

func (s *Server) queuePage(r *http.Request, p httprouter.Params) (*page, error) {
	found, err := s.queue(r, p)
	if err != nil {
		return nil, err
	}
	return &page{Title: "Queue", Here: "queue", Refresh: listRefresh, Body: found}, nil
}

// A deliveriesView is what the list of webhooks shows.
type deliveriesView struct {
	Items []deliveryView
	Older string // link
}

// A deliveryView is one webhook.
type deliveryView struct {
	db.Delivery
	At Instant
}

// deliveriesPageSize is how many webhooks stand on a page.
const deliveriesPageSize = 50

func (s *Server) deliveriesPage(r *http.Request, _ httprouter.Params) (*page, error) {
	q := ask(r)
	f := db.DeliveryFilter{Limit: deliveriesPageSize + 1, Before: q.number("cursor", 0, 1, 1<<62)}
	if q.err != nil {
		return nil, q.err
	}
	found, err := s.History.Deliveries(r.Context(), f)
	if err != nil {
		return nil, err
	}
	var v deliveriesView
	if len(found) > deliveriesPageSize {
		found = found[:deliveriesPageSize]
		v.Older = "/deliveries?cursor=" + strconv.FormatInt(found[deliveriesPageSize-1].ID, 10)
	}
	v.Items = list(found, func(d db.Delivery) deliveryView { return deliveryView{d, Instant(d.Time)} }).Items
	return &page{Title: "Deliveries", Here: "deliveries", Refresh: listRefresh, Body: v}, nil
}

// home is where people see a repository in a browser; "" where the daemon
// does not know the repository, or not at a host with pages.
func (s *Server) home(r *http.Request, name string) string {
	repos, err := s.History.Repos(r.Context())
	if err != nil {
		return "" // a page without links is better than none
	}
	for _, one := range repos {
		if one.Name == name {
			return homeOf(one.URL)
		}
	}
	return ""
}

// homeOf makes the address of a repository's page of where it is fetched
// from. https://git-scm.com/docs/git-clone#_git_urls
func homeOf(fetched string) string {
	if user, path, ok := strings.Cut(fetched, ":"); ok && !strings.Contains(fetched, "://") && strings.HasPrefix(user, "git@") {
		fetched = "https://" + strings.TrimPrefix(user, "git@") + "/" + path
	}
	u, err := url.Parse(fetched)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	host := u.Host
	switch u.Scheme {
	case "http", "https":
	case "ssh":
		u.Scheme, host = "https", u.Hostname()
	default:
		return ""
	}
	return u.Scheme + "://" + host + strings.TrimSuffix(strings.TrimSuffix(u.EscapedPath(), "/"), ".git")
}
