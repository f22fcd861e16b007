package server

import (
	"net/http"

	"github.com/julienschmidt/httprouter"
)

// maxPayload is the largest body of a webhook: GitHub sends no larger one.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads
const maxPayload = 25 << 20

// Hooks is what taking webhooks needs.
type Hooks struct {
	// Secrets returns the secrets of which one must have signed a delivery.
	Secrets func() [][]byte
}

func (s *Server) webhook(*http.Request, httprouter.Params) (any, error) {
	return nil, &Problem{Status: http.StatusServiceUnavailable, Detail: "webhooks are not taken yet"}
}
