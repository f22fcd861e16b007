package runner

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// curlShim hears what a job of a setup config posts to CircleCI's API.
//
//go:embed curl.sh
var curlShim string

// maxContinuation is how large a continuation may be: a config of the
// largest size, as a string of JSON.
const maxContinuation = 16 << 20

// A Continuation is what a setup config made of the pipeline it is in.
type Continuation struct {
	Job        string // who asked for it
	Config     string // the text of the config, YAML or JSON
	Parameters map[string]string
}

// Continuations are those that jobs asked for: one a setup config.
// https://circleci.com/docs/guides/orchestrate/dynamic-config/
type Continuations struct {
	mu    sync.Mutex
	keys  map[string]string
	asked map[string]Continuation
}

// Of returns what a job of the setup config asked for, once it has ended.
func (c *Continuations) Of(file string) (Continuation, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked, ok := c.asked[file]
	return asked, ok
}

// key is what jobs of a setup config continue the pipeline with.
func (c *Continuations) key(file string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil {
		c.keys = map[string]string{}
	}
	if c.keys[file] == "" {
		c.keys[file] = uuid()
	}
	return c.keys[file]
}

// take keeps what a job posted. The error is the job's mistake.
func (c *Continuations) take(file, job string, body []byte) error {
	asked, key, err := parseContinuation(body)
	if err != nil {
		return err
	}
	if key != c.key(file) {
		return errors.New("the continuation-key is not that of this pipeline: send $CIRCLE_CONTINUATION_KEY")
	}
	asked.Job = job
	c.mu.Lock()
	defer c.mu.Unlock()
	if first, again := c.asked[file]; again {
		return fmt.Errorf("job %s has continued the pipeline already: it goes on once", first.Job)
	}
	if c.asked == nil {
		c.asked = map[string]Continuation{}
	}
	c.asked[file] = asked
	return nil
}

// parseContinuation reads the body of a call of the API.
// https://circleci.com/docs/api/v2/#tag/Pipeline/operation/continuePipeline
func parseContinuation(body []byte) (Continuation, string, error) {
	var posted struct {
		Key        string                     `json:"continuation-key"`
		Config     *string                    `json:"configuration"`
		Parameters map[string]json.RawMessage `json:"parameters"`
	}
	if err := json.Unmarshal(body, &posted); err != nil {
		return Continuation{}, "", fmt.Errorf("what was posted is not what the API takes: %w", err)
	}
	if posted.Config == nil {
		return Continuation{}, "", errors.New("what was posted has no configuration: send the text of a config")
	}
	c := Continuation{Config: *posted.Config, Parameters: map[string]string{}}
	for name, raw := range posted.Parameters {
		text := string(raw)
		switch {
		case strings.HasPrefix(text, `"`):
			_ = json.Unmarshal(raw, &text) // it was parsed before
		case text == "null" || text[0] == '{' || text[0] == '[':
			return Continuation{}, "", fmt.Errorf("parameter %s is %s: send a string, a number or a boolean", name, text)
		}
		c.Parameters[name] = text
	}
	return c, posted.Key, nil
}

// programs is the folder of the job's shims in its container.
func (j *job) programs() string { return "/tmp/." + j.name }

// continues takes over what the steps of a job posted to the continuation
// API. A mistake in it fails the job.
func (j *job) continues(ctx context.Context) (mistake, err error) {
	if j.plan.Setup == "" {
		return nil, nil
	}
	file := quote(j.programs() + "/continuation")
	code, err := j.session.eval(ctx, "[ -f "+file+" ]")
	if err != nil || code != 0 {
		return nil, err
	}
	body := bounded{left: maxContinuation}
	code, said, err := j.outside(ctx, "cat "+file, nil, &body)
	switch {
	case err != nil:
		return nil, err
	case code != 0:
		return nil, fmt.Errorf("the continuation cannot be read: %s", said)
	case body.left == 0:
		return fmt.Errorf("the continuation is longer than %d MB", maxContinuation>>20), nil
	}
	return j.runner.Continuations.take(j.plan.Setup, j.plan.Name, body.kept), nil
}

// A bounded keeps the first bytes of what is written to it.
type bounded struct {
	kept []byte
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n
	b.kept = append(b.kept, p[:n]...)
	return len(p), nil
}
