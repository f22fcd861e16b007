package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/config"
	"github.com/popsicle-ci/popsicle/runner/config/orb"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A source is one config file.
type source = config.Source

// readConfig reads the pipeline's files: those named, else .popsicle/*.yml as
// they are in what is tested, else .circleci/config.yml.
func readConfig(ctx context.Context, s *gitops.Snapshot, named []string) ([]source, error) {
	var sources []source
	for _, file := range named {
		one, err := namedConfig(file)
		if err != nil {
			return nil, usage("--config: %w", err)
		}
		sources = append(sources, one)
	}
	if len(named) > 0 {
		return sources, nil
	}
	files, err := s.Glob(ctx, ".popsicle", "*.yml", "*.yaml")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		files = []string{".circleci/config.yml"}
	}
	for _, file := range files {
		text, err := s.ReadFile(ctx, file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, usage("the %s has neither .popsicle/*.yml nor .circleci/config.yml: write one, or name it with --config FILE", s.Source().Kind)
		}
		if err != nil {
			return nil, err
		}
		sources = append(sources, source{Path: file, Text: text})
	}
	return sources, nil
}

// stdinFile names standard input where a file is wanted.
const stdinFile = "-"

// namedConfig reads a file that --config names; "-" is standard input.
func namedConfig(file string) (source, error) {
	if file == stdinFile {
		text, err := io.ReadAll(io.LimitReader(os.Stdin, tree.MaxBytes+1))
		return source{Path: "stdin", Text: text}, err
	}
	text, err := os.ReadFile(file)
	return source{Path: filepath.ToSlash(file), Text: text}, err
}

// nextNumber is the number the pipeline will have, unless another popsicle
// takes it first.
func (l *launch) nextNumber(ctx context.Context) int64 {
	last, err := l.history.Pipelines(ctx, db.PipelineFilter{Limit: 1})
	if err != nil || len(last) == 0 {
		return 1
	}
	return last[0].ID + 1
}

// compile makes the plan of the whole pipeline.
func (l *launch) compile(ctx context.Context, number int64) (*plan.Pipeline, error) {
	o, err := l.options(ctx, number)
	if err != nil {
		return nil, err
	}
	return config.Compile(l.sources, o)
}

// options are what the pipeline's files are compiled with.
func (l *launch) options(ctx context.Context, number int64) (config.Options, error) {
	branch, tag := l.ref()
	files, err := testedFiles(ctx, l.repo.Root, l.snapshot)
	return config.Options{
		Branch: branch, Tag: tag, Scheduled: l.scheduled, Parameters: l.params, Values: l.values(number, branch, tag),
		Orbs: orb.Library{FS: files, Vendored: vendored},
	}, err
}

// values are the pipeline values of this run.
func (l *launch) values(number int64, branch, tag string) map[string]any {
	v := pipelineValues(l.snapshot.Head(), number, branch, tag)
	maps.Copy(v, l.triggerVals)
	return v
}

// pipelineValues are the pipeline values that have a meaning here; the rest
// is null.
// https://circleci.com/docs/reference/variables/#pipeline-values
func pipelineValues(head gitops.Head, number int64, branch, tag string) map[string]any {
	owner, name, _ := strings.Cut(head.Slug, "/")
	v := map[string]any{
		"pipeline.id": fmt.Sprintf("00000000-0000-0000-0000-%012d", number), "pipeline.number": number,
		"pipeline.project.type": "github", "pipeline.trigger_source": "api", "pipeline.event.name": "api",
		"pipeline.trigger.type": "cli",
	}
	if branch != "" && head.DefaultBranch != "" {
		v["pipeline.git.branch.is_default"] = branch == head.DefaultBranch
	}
	for key, text := range map[string]string{
		"pipeline.git.branch": branch, "pipeline.git.tag": tag, "pipeline.git.revision": head.Commit,
		"pipeline.git.repo_url": head.RemoteURL, "pipeline.git.repo_owner": owner, "pipeline.git.repo_name": name,
		"pipeline.git.commit.subject": head.Subject, "pipeline.git.commit.body": head.Body,
		"pipeline.project.git_url": head.RemoteURL, "pipeline.project.slug": slug(head.Slug),
	} {
		if text != "" {
			v[key] = text
		}
	}
	return v
}

func slug(s string) string {
	if s == "" {
		return ""
	}
	return "gh/" + s
}

// runnable refuses a plan with nothing to run.
func runnable(p *plan.Pipeline) error {
	if !slices.ContainsFunc(p.Workflows, func(w *plan.Workflow) bool { return len(w.Jobs) > 0 }) {
		why := whySkipped(p)
		if why == "" {
			why = ": the workflows of the config name no jobs"
		}
		return usage("no job is left to run%s", why)
	}
	return nil
}

// whySkipped tells why nothing is left.
func whySkipped(p *plan.Pipeline) string {
	var b strings.Builder
	for _, w := range p.Workflows {
		for _, s := range w.Skipped {
			name := s.Job
			if name == "" {
				name = "workflow " + w.Name
			}
			fmt.Fprintf(&b, "\n  %s: %s: %s", s.Pos, name, s.Reason)
		}
	}
	return b.String()
}

// lines formats mistakes one a line.
func lines(errs []error) string {
	text := make([]string, len(errs))
	for i, err := range errs {
		text[i] = err.Error()
	}
	return strings.Join(text, "\n")
}
