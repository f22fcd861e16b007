package server

import (
	"net/http"

	"github.com/julienschmidt/httprouter"
)

// A route is one thing the server answers to.
type route struct {
	method, path string
	handle       handler
	need         scope    // what a token must allow
	body         int64    // bytes a request may carry; 0: none
	query        []string // parameters that its query may have; nil: any
	stream       bool     // it may last long: no time limit, nothing compressed
	form         bool     // a page sends it, with its token in a field
}

// A handler answers a request with a value, which becomes JSON, or an error,
// which becomes a Problem. A respond value writes itself.
type handler func(r *http.Request, p httprouter.Params) (any, error)

// hookPath takes webhooks.
const hookPath = "/webhook"

// routes are all routes there are.
func (s *Server) routes() []route {
	all := []route{
		{method: "GET", path: "/healthz", handle: s.health, need: scopeNone},
	}
	all = append(all, s.api()...)
	all = append(all, s.pages()...)
	all = append(all, s.forms()...)
	if s.Hooks != nil {
		all = append(all, route{method: "POST", path: hookPath, handle: s.webhook, need: scopeNone, body: maxPayload})
	}
	return all
}

// Handler is everything the server answers.
func (s *Server) Handler() http.Handler {
	router := httprouter.New()
	// GitHub counts a redirect as a failure, and no name has two spellings.
	router.RedirectTrailingSlash, router.RedirectFixedPath = false, false
	router.GlobalOPTIONS = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	router.NotFound = s.answer(func(r *http.Request, _ httprouter.Params) (any, error) {
		return nil, &Problem{Status: http.StatusNotFound, Detail: "there is nothing at " + r.URL.Path}
	})
	router.MethodNotAllowed = s.answer(func(r *http.Request, _ httprouter.Params) (any, error) {
		return nil, &Problem{Status: http.StatusMethodNotAllowed, Detail: r.URL.Path + " does not take " + r.Method}
	})
	for _, one := range s.routes() {
		router.Handle(one.method, one.path, s.serve(one))
		if one.method == http.MethodGet { // net/http leaves the body out
			router.Handle(http.MethodHead, one.path, s.serve(one))
		}
	}
	return s.logged(guarded(s.sameSite(router)))
}

func (s *Server) answer(h handler) http.HandlerFunc {
	serve := s.serve(route{handle: h, need: scopeNone})
	return func(w http.ResponseWriter, r *http.Request) { serve(w, r, nil) }
}
