package server

import (
	"net/http"

	"github.com/julienschmidt/httprouter"

	"github.com/popsicle-ci/popsicle/db"
)

// health says whether the server can do its work: the history answers, and it
// is not about to end.
func (s *Server) health(r *http.Request, _ httprouter.Params) (any, error) {
	if s.stopping.Load() {
		return nil, &Problem{Status: http.StatusServiceUnavailable, Detail: "the daemon is about to end"}
	}
	if _, err := s.History.Pipelines(r.Context(), db.PipelineFilter{Limit: 1}); err != nil {
		return nil, err
	}
	return map[string]string{"status": "ok"}, nil
}
