package commands

import (
	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/server"
)

// pipelinesJSON is what history --json prints: the shapes of the API.
func pipelinesJSON(all []db.Pipeline) []server.Pipeline {
	out := make([]server.Pipeline, len(all))
	for i, p := range all {
		out[i] = server.NewPipeline(p)
	}
	return out
}

// pipelineJSON is what show --json prints.
func pipelineJSON(p db.Pipeline, jobs []db.Job, steps [][]db.Step) server.Pipeline {
	out := server.NewPipeline(p)
	for i, j := range jobs {
		out.Jobs = append(out.Jobs, server.NewJob(j, steps[i]))
	}
	return out
}
