package server

import (
	_ "embed"
	"net/http"

	"github.com/julienschmidt/httprouter"

	"github.com/popsicle-ci/popsicle/db"
)

// api are the routes of the REST API. What they take and answer stands in
// openapi.json; a test holds both together.
func (s *Server) api() []route {
	const v1 = "/api/v1"
	routes := []route{
		{method: "GET", path: v1 + "/openapi.json", handle: s.document, need: scopeNone},
		{method: "GET", path: v1 + "/health", handle: s.health, need: scopeNone},
		{method: "GET", path: v1 + "/version", handle: s.version, need: scopeNone},
		{method: "GET", path: "/metrics", handle: s.metrics, need: scopeRead},

		{method: "GET", path: v1 + "/pipelines", handle: s.listPipelines, need: scopeRead, query: pipelineQuery},
		{method: "POST", path: v1 + "/pipelines", handle: s.create, need: scopeWrite, body: bodySize},
		{method: "GET", path: v1 + "/pipelines/:pipeline", handle: s.pipeline, need: scopeRead},
		{method: "POST", path: v1 + "/pipelines/:pipeline/cancel", handle: s.cancel, need: scopeWrite, body: bodySize},
		{method: "POST", path: v1 + "/pipelines/:pipeline/rerun", handle: s.rerun, need: scopeWrite, body: bodySize},
		{method: "POST", path: v1 + "/pipelines/:pipeline/approve", handle: s.approve, need: scopeWrite, body: bodySize},
		{method: "GET", path: v1 + "/pipelines/:pipeline/workflows", handle: s.workflows, need: scopeRead},
		{method: "GET", path: v1 + "/pipelines/:pipeline/jobs", handle: s.pipelineJobList, need: scopeRead},
		{method: "GET", path: v1 + "/pipelines/:pipeline/artifacts", handle: s.artifacts, need: scopeRead, query: artifactQuery},
		{method: "GET", path: v1 + "/pipelines/:pipeline/tests", handle: s.tests, need: scopeRead, query: testQuery},
		{method: "GET", path: v1 + "/pipelines/:pipeline/messages", handle: s.messages, need: scopeRead},
		{method: "GET", path: v1 + "/pipelines/:pipeline/events", handle: s.events, need: scopeRead, stream: true},

		{method: "GET", path: v1 + "/jobs/:job", handle: s.job, need: scopeRead},
		{method: "GET", path: v1 + "/jobs/:job/steps", handle: s.jobSteps, need: scopeRead},
		{method: "GET", path: v1 + "/jobs/:job/log", handle: s.log, need: scopeRead, query: logQuery, stream: true},
		{method: "GET", path: v1 + "/jobs/:job/lines", handle: s.lines, need: scopeRead, query: linesQuery},
		{method: "GET", path: v1 + "/jobs/:job/artifacts", handle: s.jobArtifacts, need: scopeRead, query: artifactQuery},
		{method: "GET", path: v1 + "/jobs/:job/artifacts/*path", handle: s.artifact, need: scopeRead, stream: true},
		{method: "GET", path: v1 + "/jobs/:job/tests", handle: s.jobTests, need: scopeRead, query: testQuery},
		{method: "POST", path: v1 + "/jobs/:job/approve", handle: s.decide, need: scopeWrite, body: bodySize},

		{method: "GET", path: v1 + "/runners", handle: s.runners, need: scopeRead},
		{method: "GET", path: v1 + "/queue", handle: s.queue, need: scopeRead},
		{method: "GET", path: v1 + "/deliveries", handle: s.deliveries, need: scopeRead, query: deliveryQuery},
	}
	for i := range routes {
		if routes[i].query == nil {
			routes[i].query = []string{} // none
		}
	}
	return routes
}

//go:embed openapi.json
var openAPI []byte

// document answers the OpenAPI document.
func (s *Server) document(*http.Request, httprouter.Params) (any, error) {
	return verbatim{"application/json", openAPI}, nil
}

// OpenAPI returns the document that describes the API.
func OpenAPI() []byte { return openAPI }

// A Version says what answers.
type Version struct {
	Version string `json:"version"` // of popsicle
	API     string `json:"api"`
}

func (s *Server) version(*http.Request, httprouter.Params) (any, error) {
	return Version{s.Version, "v1"}, nil
}

// A Runner is an engine that jobs have run on, or that was added for jobs to
// run on: that one has a name.
type Runner struct {
	ID     int64    `json:"id"`
	Host   string   `json:"host"`
	Name   string   `json:"name,omitempty"`
	Arch   string   `json:"arch,omitempty"`
	Labels []string `json:"labels"`
	Jobs   int      `json:"jobs,omitempty"` // at once; 0: as many as it has CPUs
	SeenAt Instant  `json:"seen_at,omitzero"`
}

func (s *Server) runners(r *http.Request, _ httprouter.Params) (any, error) {
	runners, err := s.History.Runners(r.Context())
	return list(runners, func(r db.Runner) Runner {
		return Runner{r.ID, r.Host, r.Name, r.Arch, append([]string{}, r.Labels...), r.MaxJobs, Instant(r.Seen)}
	}), err
}
