package runner

import (
	"context"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// preserveLabel is the label of images whose own process runs beside the steps.
// https://circleci.com/docs/guides/execution-managed/custom-images/#adding-an-entrypoint
const preserveLabel = "com.circleci.preserve-entrypoint"

// mainProcess is the command line that a primary container runs beside the
// steps. What an image would run is left out, unless the config or the
// image's label ask for it.
func mainProcess(image plan.Image, c docker.ImageConfig) []string {
	if len(image.Entrypoint) == 0 && len(image.Command) == 0 && c.Labels[preserveLabel] != "true" {
		return nil
	}
	entrypoint, command := image.Entrypoint, image.Command
	if entrypoint == nil {
		entrypoint = c.Entrypoint
		if command == nil {
			command = c.Cmd
		}
	}
	if slices.Equal(entrypoint, []string{""}) { // docker's way to say: none
		entrypoint = nil
	}
	return slices.Concat(entrypoint, command)
}

// A mainEnded is why a job ends whose container's own process has ended.
type mainEnded struct{ text string }

func (e *mainEnded) Error() string { return e.text + ": the job ends with it" }

// startMain starts the process that the primary container is made for, where
// it is to run. Its end is the end of the job.
func (j *job) startMain(ctx context.Context) {
	image := j.plan.Images[0]
	known, _ := j.image(ctx) // an engine that cannot tell has no label to heed
	words := mainProcess(image, known.Config)
	if len(words) == 0 {
		return
	}
	for i, w := range words {
		words[i] = quote(w)
	}
	c := j.companion("entrypoint", "Container "+image.Name, image.Pos)
	j.say("Starting %s\n", strings.Join(words, " "))
	// A pipe that nobody closes: a shell, say, waits for ever on it.
	stdin, command := quote(j.session.hello.Dir+"/stdin"), strings.Join(words, " ")
	text, _ := exports(image.Env)
	j.put(c.step, plan.Run{Command: text + "mkfifo " + stdin + " 2>/dev/null && exec " + command + " <>" + stdin + "\nexec " + command})
	j.session.beside(c.step, "/bin/sh")
	go func() {
		select {
		case code := <-j.session.end(c.step):
			if text, first := j.died(c, code); first {
				j.stop(&mainEnded{text})
			}
		case <-j.session.ended:
		}
	}()
}
