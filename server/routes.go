package server

import (
	"net/http"

	"github.com/julienschmidt/httprouter"
)

// A route is one thing the server answers to.
type route struct {
	method, path string
	handle       handler
	body         int64 // bytes a request may carry; 0: none
}

// A handler answers a request with a value, which becomes JSON, or an error,
// which becomes a Problem. A respond value writes itself.
type handler func(r *http.Request, p httprouter.Params) (any, error)

// routes are all routes there are.
func (s *Server) routes() []route {
	all := []route{
		{method: "GET", path: "/healthz", handle: s.health},
	}
	if s.Hooks != nil {
		all = append(all, route{method: "POST", path: "/webhook", handle: s.webhook, body: maxPayload})
	}
	return all
}

// Handler is everything the server answers.
func (s *Server) Handler() http.Handler {
	router := httprouter.New()
	// GitHub counts a redirect as a failure, and no name has two spellings.
	router.RedirectTrailingSlash, router.RedirectFixedPath, router.HandleOPTIONS = false, false, false
	router.NotFound = s.answer(func(r *http.Request, _ httprouter.Params) (any, error) {
		return nil, &Problem{Status: http.StatusNotFound, Detail: "there is nothing at " + r.URL.Path}
	})
	router.MethodNotAllowed = s.answer(func(r *http.Request, _ httprouter.Params) (any, error) {
		return nil, &Problem{Status: http.StatusMethodNotAllowed, Detail: r.URL.Path + " does not take " + r.Method}
	})
	for _, one := range s.routes() {
		router.Handle(one.method, one.path, s.serve(one))
	}
	return s.logged(guarded(router))
}

func (s *Server) answer(h handler) http.HandlerFunc {
	serve := s.serve(route{handle: h})
	return func(w http.ResponseWriter, r *http.Request) { serve(w, r, nil) }
}
