package runner

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"path"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// largestArtifact is where CircleCI stops too, in bytes.
// https://circleci.com/docs/artifacts/
const largestArtifact = 3 << 30

// storeArtifacts keeps files of the container where readers find them.
func (j *job) storeArtifacts(ctx context.Context, _ plan.Step, a plan.StoreArtifacts) (event.StepFinished, error) {
	if err := j.runner.holdStash(ctx); err != nil {
		return event.StepFinished{}, err
	}
	h := j.harvest(ctx, a.Path)
	defer func() { h.close() }()
	c := &crates{harvest: h, place: func(g grown) string { return j.artifactPath(a, g.name) }, seed: maphash.MakeSeed(), twins: map[uint64]spot{}}
	err := c.all(ctx)
	if errors.Is(err, errNothing) {
		j.caution(fmt.Sprintf("%s: there is nothing at %s: no artifacts are stored", a.Path, h.path))
		return event.StepFinished{Status: event.Success}, nil
	}
	if err != nil {
		return event.StepFinished{}, err
	}
	j.say("Stored %s, %s\n", plural(c.files, "artifact"), humanize.Bytes(uint64(c.bytes)))
	j.remarks(h, c)
	return event.StepFinished{Status: event.Success}, nil
}

// artifactPath is what an artifact is called: below the destination or, where
// there is none, as it lies in the working directory or in the container. A
// destination is the name of a single file, unless it ends in a slash.
func (j *job) artifactPath(a plan.StoreArtifacts, rel string) string {
	base := path.Base(j.abs(a.Path))
	switch {
	case a.Destination != "" && rel == "" && !strings.HasSuffix(a.Destination, "/"):
		return cleanName(a.Destination)
	case a.Destination != "" && rel == "":
		return cleanName(a.Destination + base)
	case a.Destination != "":
		return cleanName(a.Destination + "/" + rel)
	}
	full := path.Join(j.abs(a.Path), rel)
	if inside, ok := strings.CutPrefix(full, j.abs(".")+"/"); ok {
		full = inside
	}
	return cleanName(full)
}

// remarks tells what was not stored, and what should not have been.
func (j *job) remarks(h *harvest, c *crates) {
	if h.said != "" {
		j.caution(fmt.Sprintf("%s: not all can be read: %s", h.path, h.said))
	}
	if h.beside > 0 {
		j.say("%s left out: links that lead to no file, devices or pipes\n", plural(h.beside, "entry"))
	}
	if h.odd > 0 {
		j.say("%s left out: the link has a name that cannot be asked for, or the image has no tar\n", plural(h.odd, "link"))
	}
	if c.long > 0 {
		j.caution(fmt.Sprintf("%s left out below %s: a path is longer than the %d bytes that Linux allows", plural(c.long, "artifact"), h.path, longestName))
	}
	for _, name := range c.tooLarge {
		j.caution(fmt.Sprintf("%s is larger than %s: it is not stored", name, humanize.Bytes(largestArtifact)))
	}
	for _, s := range c.secrets {
		j.runner.once(j.at, fmt.Sprintf("the artifact %s holds the secret of %s: whoever reads it can see it", s.name, strings.Join(s.variables, ", ")))
	}
}

// caution says a warning; to the log alone where a step has failed before,
// for then it is no news that something is missing.
func (j *job) caution(text string) {
	if j.failed {
		j.say("%s\n", text)
		return
	}
	j.runner.Out.Emit(event.Message{At: j.at, Level: event.Warning, Text: j.runner.Mask.String(text)})
}

// plural says a number of things: "1 artifact", "3 artifacts".
func plural(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
